using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Brokkr.Cli.Hosting;

/// <summary>Kestrel with nothing around it, HTTP/1.1 only: for the small servers of the program, which should cost little to start and to keep.</summary>
internal sealed class SmallHttpServer : IAsyncDisposable
{
    private static readonly TimeSpan StopBudget = TimeSpan.FromSeconds(2);

    private readonly KestrelServer _server;
    private readonly ListenOptions _listen;

    private SmallHttpServer(KestrelServer server, ListenOptions listen)
    {
        _server = server;
        _listen = listen;
    }

    /// <summary>The port that is listened on.</summary>
    public int Port => _listen.IPEndPoint!.Port;

    /// <summary>Starts to listen.</summary>
    /// <param name="address">Where.</param>
    /// <param name="port">Port; 0 for any free one.</param>
    /// <param name="loggers">Gets what the server has to say.</param>
    /// <param name="answer">Answers a request.</param>
    /// <param name="cancellation">Ends the start.</param>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<SmallHttpServer> StartAsync(
        IPAddress address,
        int port,
        ILoggerFactory loggers,
        Func<HttpContext, Task> answer,
        CancellationToken cancellation
    )
    {
        var options = new KestrelServerOptions { AddServerHeader = false };
        ListenOptions? listen = null;
        options.Listen(
            address,
            port,
            endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http1;
                listen = endpoint;
            }
        );
        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), loggers);
        var server = new KestrelServer(Options.Create(options), transport, loggers);
        try
        {
            await server.StartAsync(new Application(answer), cancellation);
            return new SmallHttpServer(server, listen!);
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var budget = new CancellationTokenSource(StopBudget);
        await _server.StopAsync(budget.Token);
        _server.Dispose();
    }

    private sealed class Application(Func<HttpContext, Task> answer) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public Task ProcessRequestAsync(HttpContext context) => answer(context);

        public void DisposeContext(HttpContext context, Exception? exception) { }
    }
}
