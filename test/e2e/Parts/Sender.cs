using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Brokkr.Testing;

namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary>Posts events in binary mode and remembers which were acknowledged.</summary>
internal sealed class Sender : IDisposable
{
    public const string EventType = "com.example.order";

    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
    {
        Timeout = TimeSpan.FromSeconds(60),
    };

    private readonly ConcurrentQueue<string> _acknowledged = new();
    private readonly Uri _ingress;
    private readonly string? _host;
    private int _next;
    private int _refused;

    /// <summary>Posts to an ingress.</summary>
    /// <param name="ingress">Its address.</param>
    /// <param name="host">The <c>Host</c> header; that of the address if null.</param>
    public Sender(string ingress, string? host = null)
    {
        _ingress = new Uri(ingress);
        _host = host;
    }

    /// <summary>Ids of the events that were answered with 202.</summary>
    public IReadOnlyCollection<string> Acknowledged => _acknowledged;

    /// <summary>Number of events that were answered with something else.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <summary>Posts one event.</summary>
    /// <returns>The answer's status.</returns>
    public async Task<HttpStatusCode> SendAsync(
        string id,
        string type = EventType,
        string? partitionKey = null,
        string data = """{"n":1}"""
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _ingress) { Content = new StringContent(data) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Host = _host;
        request.Headers.Add("ce-specversion", "1.0");
        request.Headers.Add("ce-id", id);
        request.Headers.Add("ce-source", "/e2e");
        request.Headers.Add("ce-type", type);
        if (partitionKey is not null)
        {
            request.Headers.Add("ce-partitionkey", partitionKey);
        }

        using var answer = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        if (answer.StatusCode == HttpStatusCode.Accepted)
        {
            _acknowledged.Enqueue(id);
        }
        else
        {
            Interlocked.Increment(ref _refused);
        }

        return answer.StatusCode;
    }

    /// <summary>Posts one event that must be acknowledged.</summary>
    public async Task MustSendAsync(string id, string type = EventType) => Assert.Equal(HttpStatusCode.Accepted, await SendAsync(id, type));

    /// <summary>
    /// Posts events on several connections until stopped, each under a new id, whatever becomes of it: refused and cut-off ones are not sent again, so that
    /// only what was acknowledged has to arrive.
    /// </summary>
    public async Task LoadAsync(int connections, CancellationToken stop)
    {
        async Task OneAsync()
        {
            // Not before the first await: the connections run side by side.
            await Task.Yield();
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await SendAsync($"event-{Interlocked.Increment(ref _next)}");
                }
                catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
                {
                    // Nobody listens at this moment: what is sent is not acknowledged.
                    await Task.Yield();
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => OneAsync()));
    }

    /// <summary>Does something while events are posted on several connections, and goes on with that for a while afterwards.</summary>
    public async Task UnderLoadAsync(int connections, Func<Task> faults)
    {
        using var stop = new CancellationTokenSource();
        var load = LoadAsync(connections, stop.Token);
        try
        {
            await faults();
            await AcknowledgedAsync(100);
        }
        finally
        {
            await stop.CancelAsync();
            await load;
        }
    }

    /// <summary>Waits until this many more events than now are acknowledged.</summary>
    public Task AcknowledgedAsync(int more)
    {
        var target = _acknowledged.Count + more;
        return Eventually.True(
            () => _acknowledged.Count >= target,
            () => $"{target} acknowledged events; there are {_acknowledged.Count}",
            TimeSpan.FromSeconds(60)
        );
    }

    public void Dispose() => _client.Dispose();
}
