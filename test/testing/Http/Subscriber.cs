using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Brokkr.Testing.Http;

/// <summary>
/// A real HTTP server on a free port that records what it gets and answers as scripted.
/// <code>
/// await using var subscriber = await Subscriber.StartAsync();
/// subscriber.OnPath("/orders", Answer.Status(503), Answer.Ok);   // first 503, then always 200
/// subscriber.OnEvent("id-7", Answer.Close);                     // an event's id wins over the path
/// subscriber.Otherwise(request => request.Path == "/dead" ? Answer.Never : Answer.Ok);
/// await subscriber.CountAsync(10, at: "/orders");
/// </code>
/// All members may be used from any thread, also while requests are running. Without a script everything is answered with 200.
/// </summary>
public sealed class Subscriber : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly CancellationTokenSource _end = new();
    private readonly List<ReceivedRequest> _requests = [];
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, Script> _paths = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Script> _events = new(StringComparer.Ordinal);
    private Func<ReceivedRequest, Answer> _otherwise = _ => Answer.Ok;
    private int _running;
    private int _disposed;

    private Subscriber(WebApplication server) => _server = server;

    /// <summary>Base address, without a slash at the end.</summary>
    public string Url { get; private set; } = string.Empty;

    /// <summary>All requests so far, in the order in which they had arrived completely.</summary>
    public IReadOnlyList<ReceivedRequest> Requests
    {
        get
        {
            lock (_gate)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>Number of requests so far.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _requests.Count;
            }
        }
    }

    /// <summary>Requests that are being answered at this moment.</summary>
    public int Running => Volatile.Read(ref _running);

    // A connection that is given up ends (FIN), as when a server closes it, and is not reset.
    static Subscriber() => AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.FinOnError", true);

    /// <summary>Starts a server.</summary>
    /// <param name="protocols">HTTP/1.1 by default; <see cref="HttpProtocols.Http2"/> is cleartext HTTP/2 by prior knowledge.</param>
    /// <param name="port">A fixed port, for a subscriber that goes and comes back at the same address; any free one by default.</param>
    /// <param name="certificate">Makes it an HTTPS server; asked for every connection. Null: HTTP.</param>
    public static async Task<Subscriber> StartAsync(
        HttpProtocols protocols = HttpProtocols.Http1,
        int port = 0,
        Func<X509Certificate2>? certificate = null
    )
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(
                System.Net.IPAddress.Loopback,
                port,
                listen =>
                {
                    listen.Protocols = protocols;
                    if (certificate is not null)
                    {
                        listen.UseHttps(https => https.ServerCertificateSelector = (_, _) => certificate());
                    }
                }
            );
        });
        var server = builder.Build();
        var subscriber = new Subscriber(server);
        server.Run(subscriber.HandleAsync);
        await server.StartAsync(TestContext.Current.CancellationToken);
        subscriber.Url = server
            .Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.Single()
            .TrimEnd('/');
        return subscriber;
    }

    /// <summary>Requests so far with this path (and query).</summary>
    public IReadOnlyList<ReceivedRequest> At(string path)
    {
        lock (_gate)
        {
            return [.. _requests.Where(request => request.Path == path)];
        }
    }

    /// <summary>Scripts the answers of a path, used in turn, the last one for ever. Replaces an earlier script of that path.</summary>
    public void OnPath(string path, params Answer[] answers) => _paths[path] = new Script(answers);

    /// <summary>Scripts the answers to requests with this <c>ce-id</c>, used in turn, the last one for ever.</summary>
    public void OnEvent(string id, params Answer[] answers) => _events[id] = new Script(answers);

    /// <summary>Answers everything that has no script. Called on many threads at once.</summary>
    public void Otherwise(Func<ReceivedRequest, Answer> answer) => Volatile.Write(ref _otherwise, answer);

    /// <summary>Waits until there are at least this many requests.</summary>
    /// <param name="count">How many.</param>
    /// <param name="at">Only those with this path; all if null.</param>
    /// <param name="deadline">How long at most; 30 seconds by default.</param>
    /// <returns>The requests that were counted.</returns>
    public async Task<IReadOnlyList<ReceivedRequest>> CountAsync(int count, string? at = null, TimeSpan? deadline = null)
    {
        IReadOnlyList<ReceivedRequest> found = [];
        await Eventually.True(
            () => (at is null ? Count : (found = At(at)).Count) >= count,
            () => $"{count} requests{(at is null ? string.Empty : " at " + at)}; got {(at is null ? Count : found.Count)}",
            deadline
        );
        return at is null ? Requests : found;
    }

    /// <summary>Forgets the requests so far.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _requests.Clear();
        }
    }

    /// <summary>Cuts all connections and stops listening. Again is no error.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _end.CancelAsync();
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _server.StopAsync(now.Token);
        await _server.DisposeAsync();
        _end.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        Interlocked.Increment(ref _running);
        try
        {
            var request = await ReadAsync(context);
            // The script moves before the request can be seen, so that a test that saw it may change the script for the next one.
            var answer = AnswerTo(request);
            lock (_gate)
            {
                _requests.Add(request);
            }

            using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _end.Token);
            await SendAsync(context, answer, gone.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client gave up, or the test is over.
            context.Abort();
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private static async Task<ReceivedRequest> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in context.Request.Headers)
        {
            headers[name.ToLowerInvariant()] = string.Join(',', values.AsEnumerable());
        }

        var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        return new ReceivedRequest(context.Request.Method, target, headers, body.ToArray(), context.Request.Protocol);
    }

    private Answer AnswerTo(ReceivedRequest request)
    {
        if (_events.TryGetValue(request.EventId, out var script) || _paths.TryGetValue(request.Path, out script))
        {
            return script.Next();
        }

        return Volatile.Read(ref _otherwise)(request);
    }

    private static async Task SendAsync(HttpContext context, Answer answer, CancellationToken gone)
    {
        await answer.Until.WaitAsync(gone);
        switch (answer.Kind)
        {
            case AnswerKind.Close:
                context.Abort();
                return;
            case AnswerKind.Never:
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, gone);
                return;
            case AnswerKind.Garbage:
                var transport = context.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport;
                await transport.Output.WriteAsync(answer.Body, gone);
                context.Abort();
                return;
        }

        context.Response.StatusCode = answer.Code;
        foreach (var (name, value) in answer.Headers)
        {
            context.Response.Headers.Append(name, value);
        }

        if (answer.Kind is AnswerKind.StallAfterHead or AnswerKind.CutOff)
        {
            context.Response.ContentLength = answer.Body.Length;
            await context.Response.Body.WriteAsync(answer.Body[..(answer.Body.Length / 2)], gone);
            await context.Response.Body.FlushAsync(gone);
            if (answer.Kind == AnswerKind.CutOff)
            {
                context.Abort();
                return;
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, gone);
        }
        else if (answer.Kind == AnswerKind.Endless)
        {
            while (true)
            {
                await context.Response.Body.WriteAsync(answer.Body, gone);
            }
        }
        else if (answer.Body.Length > 0)
        {
            context.Response.ContentLength = answer.Body.Length;
            await context.Response.Body.WriteAsync(answer.Body, gone);
        }
    }

    private sealed class Script(Answer[] answers)
    {
        private int _used;

        public Answer Next() => answers[Math.Min(Interlocked.Increment(ref _used), answers.Length) - 1];
    }
}
