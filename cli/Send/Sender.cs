using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Brokkr.Cli.Send;

/// <summary>Posts events and counts the answers.</summary>
internal sealed class Sender(SendOptions options, EventTemplate template, SendResult result, TimeProvider time)
{
    private const int MaxProblemBytes = 16 * 1024;

    private long _next;

    /// <summary>Sends all events. When cancelled it sends no more and waits for the answers under way.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            MaxConnectionsPerServer = options.Concurrency,
        };
        using var client = new HttpMessageInvoker(handler);
        var start = time.GetTimestamp();
        var workers = new Task[(int)Math.Min(options.Concurrency, options.Count)];
        for (var i = 0; i < workers.Length; i++)
        {
            workers[i] = WorkAsync(client, start, stopping);
        }

        await Task.WhenAll(workers);
        result.Elapsed = time.GetElapsedTime(start);
    }

    private async Task WorkAsync(HttpMessageInvoker client, long start, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested && Interlocked.Increment(ref _next) is var number && number <= options.Count)
        {
            if (options.Rate > 0)
            {
                var wait = TimeSpan.FromSeconds((number - 1) / options.Rate) - time.GetElapsedTime(start);
                if (wait > TimeSpan.Zero)
                {
                    try
                    {
                        await Task.Delay(wait, time, stopping);
                    }
                    catch (OperationCanceledException)
                    {
                        return;
                    }
                }
            }

            await SendAsync(client, number);
        }
    }

    private async Task SendAsync(HttpMessageInvoker client, long number)
    {
        using var timeout = new CancellationTokenSource(options.Timeout, time);
        using var request = template.Request(options.Url, number);
        var start = time.GetTimestamp();
        try
        {
            using var response = await client.SendAsync(request, timeout.Token);
            if (response.IsSuccessStatusCode)
            {
                await response.Content.CopyToAsync(Stream.Null, timeout.Token);
                result.Accepted(response.StatusCode, time.GetElapsedTime(start));
                return;
            }

            var why = await ProblemAsync(response, timeout.Token);
            result.Refused(response.StatusCode, response.ReasonPhrase, time.GetElapsedTime(start), template.Id(number), why);
        }
        catch (OperationCanceledException)
        {
            result.Failed(template.Id(number), $"no answer within {options.Timeout.TotalSeconds:0.#} s");
        }
        catch (HttpRequestException e)
        {
            result.Failed(
                template.Id(number),
                e.InnerException is SocketException socket ? $"{options.Url.Authority}: {socket.Message}" : e.Message
            );
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // The second when the peer is gone by the time that the connection stands.
            result.Failed(template.Id(number), e.Message);
        }
    }

    /// <summary>What the answer says about why: the detail of a problem document, or the text as it is.</summary>
    private static async Task<string> ProblemAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var bytes = new byte[MaxProblemBytes];
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
        var text = System.Text.Encoding.UTF8.GetString(bytes, 0, length).Trim();
        if (response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.OrdinalIgnoreCase) == true)
        {
            try
            {
                using var problem = JsonDocument.Parse(text);
                var title = Member(problem.RootElement, "title");
                var detail = Member(problem.RootElement, "detail");
                if (title.Length + detail.Length > 0)
                {
                    return detail.Length > 0 ? detail : title;
                }
            }
            catch (JsonException)
            {
                // Not a problem document after all; the text says what there is to say.
            }
        }

        return text;
    }

    private static string Member(JsonElement problem, string name) =>
        problem.ValueKind == JsonValueKind.Object
        && problem.TryGetProperty(name, out var member)
        && member.ValueKind == JsonValueKind.String
            ? member.GetString()!
            : "";
}
