using System.Buffers;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Brokkr.Core.Configuration;
using Brokkr.Core.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Hosting;

/// <summary>Where the metrics are to be had.</summary>
internal sealed record ScrapeEndpointOptions
{
    /// <summary>Address or name of the interface.</summary>
    public string Host { get; init; } = "0.0.0.0";

    /// <summary>Port; 0 for any free one.</summary>
    public int Port { get; init; } = 9090;

    /// <summary>Path, compared exactly; everything else is 404.</summary>
    public string Path { get; init; } = "/metrics";

    /// <summary>PEM files that make it HTTPS.</summary>
    public (string Certificate, string Key)? Tls { get; init; }
}

/// <summary>A small HTTP server that shows the metrics to whoever asks, whatever the method (receiver-and-core §14.1).</summary>
internal sealed class ScrapeEndpoint : IAsyncDisposable
{
    private const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly IAsyncDisposable _server;

    private ScrapeEndpoint(IAsyncDisposable server, string address)
    {
        _server = server;
        Address = address;
    }

    /// <summary>The address that serves the metrics.</summary>
    public string Address { get; }

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The port is in use.</exception>
    /// <exception cref="ConfigurationException">The host or the certificate cannot be used.</exception>
    public static async Task<ScrapeEndpoint> StartAsync(
        ScrapeEndpointOptions options,
        PrometheusMetrics metrics,
        ILoggerFactory loggers,
        CancellationToken cancellation
    )
    {
        var address = await ResolveAsync(options.Host, cancellation);
        Task Answer(HttpContext context) => AnswerAsync(context, options.Path, metrics);
        if (Certificate(options.Tls) is { } certificate)
        {
            return await StartSecureAsync(new IPEndPoint(address, options.Port), certificate, options.Path, Answer, cancellation);
        }

        var server = await SmallHttpServer.StartAsync(address, options.Port, loggers, Answer, cancellation);
        return new ScrapeEndpoint(server, $"http://{new IPEndPoint(address, server.Port)}{options.Path}");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    /// <summary>Kestrel's TLS comes with services that the small server does without.</summary>
    private static async Task<ScrapeEndpoint> StartSecureAsync(
        IPEndPoint at,
        X509Certificate2 certificate,
        string path,
        RequestDelegate answer,
        CancellationToken cancellation
    )
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(
                at,
                listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    listen.UseHttps(certificate);
                }
            );
        });
        var server = builder.Build();
        server.Run(answer);
        try
        {
            await server.StartAsync(cancellation);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        var bound = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new ScrapeEndpoint(server, bound + path);
    }

    private static async Task AnswerAsync(HttpContext context, string path, PrometheusMetrics metrics)
    {
        if (!string.Equals(context.Request.Path.Value, path, StringComparison.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        await metrics.RefreshAsync(context.RequestAborted);

        // Kestrel's own writer may hand out no room at all between two chunks, which small writes do not expect.
        var text = new ArrayBufferWriter<byte>(16 * 1024);
        metrics.Write(text);
        context.Response.ContentType = ContentType;
        context.Response.ContentLength = text.WrittenCount;
        await context.Response.Body.WriteAsync(text.WrittenMemory, context.RequestAborted);
    }

    private static async Task<IPAddress> ResolveAsync(string host, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host, out var address))
        {
            return address;
        }

        try
        {
            return (await Dns.GetHostAddressesAsync(host, cancellation))[0];
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or IndexOutOfRangeException)
        {
            throw new ConfigurationException(
                $"METRICS_HOST is \"{host}\", which is no address of this machine: set it to one, such as 0.0.0.0.",
                e
            );
        }
    }

    private static X509Certificate2? Certificate((string Certificate, string Key)? files)
    {
        if (files is not { } pair)
        {
            return null;
        }

        try
        {
            return X509Certificate2.CreateFromPemFile(pair.Certificate, pair.Key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new ConfigurationException(
                $"METRICS_PEM_CERT_PATH and METRICS_PEM_KEY_PATH name no usable pair of PEM files ({e.Message}): fix the files, or unset both for plain HTTP.",
                e
            );
        }
    }
}
