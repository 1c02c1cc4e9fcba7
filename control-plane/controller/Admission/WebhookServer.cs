using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Admission;

/// <summary>The HTTPS server of the webhook: HTTP/1.1, a certificate that may change with every connection, reviews in and out.</summary>
internal sealed class WebhookServer : IHttpApplication<HttpContext>, IAsyncDisposable
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    private readonly WebhookOptions _options;
    private readonly AdmissionHandler _handler;
    private readonly ILogger _logger;
    private readonly WebApplication _server;
    private volatile bool _draining;

    private WebhookServer(
        WebhookOptions options,
        AdmissionHandler handler,
        Func<WebhookCertificate?> certificate,
        ILoggerFactory loggers,
        ILogger logger
    )
    {
        _options = options;
        _handler = handler;
        _logger = logger;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
            kestrel.Listen(
                new IPEndPoint(options.Address, options.Port),
                listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    listen.UseHttps(
                        new TlsHandshakeCallbackOptions
                        {
                            HandshakeTimeout = HandshakeTimeout,
                            OnConnection = _ => new(Handshake(certificate())),
                        }
                    );
                }
            );
        });
        _server = builder.Build();
    }

    /// <summary>The port that is listened on.</summary>
    public int Port { get; private set; }

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<WebhookServer> StartAsync(
        WebhookOptions options,
        AdmissionHandler handler,
        Func<WebhookCertificate?> certificate,
        ILoggerFactory loggers,
        ILogger logger,
        CancellationToken cancellation
    )
    {
        var server = new WebhookServer(options, handler, certificate, loggers, logger);
        try
        {
            var listener = server._server.Services.GetRequiredService<IServer>();
            await listener.StartAsync(server, cancellation);
            server.Port = new Uri(listener.Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
            return server;
        }
        catch
        {
            await server._server.DisposeAsync();
            throw;
        }
    }

    /// <summary>From now on probes are told that the process is ending, so that nobody is sent here any more. Reviews are still answered.</summary>
    public void Drain() => _draining = true;

    /// <summary>Lets running requests end, for <see cref="WebhookOptions.DrainTime"/> at most, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        Drain();
        using var budget = new CancellationTokenSource(_options.DrainTime);
        await _server.Services.GetRequiredService<IServer>().StopAsync(budget.Token);
        await _server.DisposeAsync();
    }

    /// <inheritdoc/>
    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    /// <inheritdoc/>
    public void DisposeContext(HttpContext context, Exception? exception) { }

    /// <inheritdoc/>
    public async Task ProcessRequestAsync(HttpContext context)
    {
        var request = context.Request;
        if (IsProbe(request))
        {
            context.Response.StatusCode = _draining ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
            return;
        }

        var path = request.Path.Value ?? "";
        if (!AdmissionHandler.Serves(path))
        {
            await FailAsync(context, StatusCodes.Status404NotFound, $"there is nothing at {path}");
        }
        else if (!HttpMethods.IsPost(request.Method))
        {
            context.Response.Headers.Allow = "POST";
            await FailAsync(context, StatusCodes.Status405MethodNotAllowed, "reviews are sent by POST");
        }
        else if (!string.Equals(request.ContentType, "application/json", StringComparison.OrdinalIgnoreCase))
        {
            await FailAsync(context, StatusCodes.Status415UnsupportedMediaType, "invalid Content-Type, want `application/json`");
        }
        else
        {
            await AnswerAsync(path, context);
        }
    }

    private async Task AnswerAsync(string path, HttpContext context)
    {
        JsonNode? review;
        try
        {
            review = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        }
        catch (JsonException exception)
        {
            await FailAsync(context, StatusCodes.Status400BadRequest, $"could not decode body: {exception.Message}");
            return;
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException exception)
        {
            await FailAsync(context, exception.StatusCode, exception.Message);
            return;
        }

        AdmissionResponse response;
        AdmissionRequest? request;
        try
        {
            request = AdmissionRequest.Read(review, out var error);
            if (request is null)
            {
                await FailAsync(context, StatusCodes.Status400BadRequest, $"could not decode body: {error}");
                return;
            }

            response = await _handler.AnswerAsync(path, request, context.RequestAborted);
        }
        catch (ArgumentException exception)
        {
            // Two members of one name: objects are taken apart only when they are looked at.
            await FailAsync(context, StatusCodes.Status400BadRequest, $"could not decode body: {exception.Message}");
            return;
        }

        if (response.Denial is { } denial)
        {
            _logger.ReviewDenied(request.Operation, request.FullKind, denial);
        }

        var body = new ArrayBufferWriter<byte>();
        await using (var json = new Utf8JsonWriter(body))
        {
            response.Write(request, json);
        }

        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.WrittenCount;
        await context.Response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted);
    }

    private static bool IsProbe(HttpRequest request) =>
        request.Headers.UserAgent.ToString().StartsWith("kube-probe/", StringComparison.Ordinal)
        || !string.IsNullOrEmpty(request.Headers["K-Kubelet-Probe"]);

    private static Task FailAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(message, context.RequestAborted);
    }

    private SslServerAuthenticationOptions Handshake(WebhookCertificate? certificate)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = (certificate ?? throw new IOException("There is no certificate yet.")).Context,
            EnabledSslProtocols = _options.Protocols,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
        };
        if (_options.CipherSuites.Count > 0 && !OperatingSystem.IsWindows() && !OperatingSystem.IsAndroid() && !OperatingSystem.IsMacOS())
        {
            options.CipherSuitesPolicy = new CipherSuitesPolicy(_options.CipherSuites);
        }

        return options;
    }
}
