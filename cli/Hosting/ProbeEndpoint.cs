using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Hosting;

/// <summary>
/// Answers the kubelet for a role that has no HTTP server of its own: <c>GET /healthz</c> while the process runs, <c>GET /readyz</c> while it serves, else 503 with
/// the reason as text (dispatcher §12).
/// </summary>
internal sealed class ProbeEndpoint : IAsyncDisposable
{
    /// <summary>Path of the liveness probe.</summary>
    public const string LivenessPath = "/healthz";

    /// <summary>Path of the readiness probe.</summary>
    public const string ReadinessPath = "/readyz";

    private readonly SmallHttpServer _server;

    private ProbeEndpoint(SmallHttpServer server) => _server = server;

    /// <summary>The port that is listened on.</summary>
    public int Port => _server.Port;

    /// <summary>Starts to listen on all addresses.</summary>
    /// <param name="port">Port; 0 for any free one.</param>
    /// <param name="whyNotReady">Why the role does not serve; null while it does.</param>
    /// <param name="loggers">Gets what the server has to say.</param>
    /// <param name="cancellation">Ends the start.</param>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<ProbeEndpoint> StartAsync(
        int port,
        Func<string?> whyNotReady,
        ILoggerFactory loggers,
        CancellationToken cancellation
    ) => new(await SmallHttpServer.StartAsync(IPAddress.Any, port, loggers, context => AnswerAsync(context, whyNotReady), cancellation));

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static Task AnswerAsync(HttpContext context, Func<string?> whyNotReady)
    {
        var (status, text) = context.Request.Path.Value switch
        {
            LivenessPath => (StatusCodes.Status200OK, "ok"),
            ReadinessPath => whyNotReady() is { } reason
                ? (StatusCodes.Status503ServiceUnavailable, reason)
                : (StatusCodes.Status200OK, "ok"),
            _ => (StatusCodes.Status404NotFound, string.Create(CultureInfo.InvariantCulture, $"{LivenessPath} or {ReadinessPath}")),
        };
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text + "\n"), context.RequestAborted).AsTask();
    }
}
