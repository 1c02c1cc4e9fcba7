using System.Net;
using Brokkr.Core.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Brokkr.Receiver.Tls;

/// <summary>
/// The listener for HTTPS. It comes and goes with the files of the certificate; new files hold for new connections, and those that are open go on.
/// Files that are no certificate and its key leave in force what was there before (receiver-and-core §16).
/// </summary>
/// <typeparam name="TContext">What the application keeps of a request.</typeparam>
internal sealed class TlsListener<TContext> : IAsyncDisposable
    where TContext : notnull
{
    /// <summary>How long requests may take to finish after the certificate has gone.</summary>
    private static readonly TimeSpan CloseBudget = TimeSpan.FromSeconds(20);

    private readonly TlsOptions _options;
    private readonly IPAddress _address;
    private readonly Action<KestrelServerOptions> _configure;
    private readonly Action<SocketTransportOptions> _configureSockets;
    private readonly IHttpApplication<TContext> _application;
    private readonly ILoggerFactory _loggers;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FolderWatch _watch;
    private readonly CancellationTokenSource _stopping = new();
    private volatile ServerCertificate? _certificate;
    private volatile WebApplication? _server;
    private volatile int _port;
    private Task _loop = Task.CompletedTask;

    public TlsListener(
        TlsOptions options,
        IPAddress address,
        Action<KestrelServerOptions> configure,
        Action<SocketTransportOptions> configureSockets,
        IHttpApplication<TContext> application,
        ILoggerFactory loggers,
        TimeProvider time,
        ILogger logger
    )
    {
        _options = options;
        _address = address;
        _configure = configure;
        _configureSockets = configureSockets;
        _application = application;
        _loggers = loggers;
        _time = time;
        _logger = logger;
        _watch = new FolderWatch(options.Folder, options.RereadInterval, time);
    }

    /// <summary>The port that is listened on; 0 while there is no certificate.</summary>
    public int Port => _port;

    /// <summary>Listens if the certificate is there, and from now on whenever it is.</summary>
    /// <exception cref="IOException">The port is in use or may not be listened on.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await RereadAsync(cancellation);
        _loop = FollowAsync();
    }

    /// <summary>Stops listening, and finishes the requests that are under way until the token is cancelled.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        await _stopping.CancelAsync();
        await _loop;
        if (_server is not null)
        {
            await CloseAsync(cancellation);
        }
    }

    /// <summary>Stops at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true));
        _watch.Dispose();
        _stopping.Dispose();
    }

    private async Task FollowAsync()
    {
        while (await _watch.WaitAsync(_stopping.Token))
        {
            try
            {
                await RereadAsync(_stopping.Token);
            }
            catch (Exception e)
            {
                if (_stopping.IsCancellationRequested)
                {
                    return;
                }

                // The port is in use, perhaps not for ever.
                _logger.TlsNotListening(_options.Port, e.Message);
            }
        }
    }

    private async Task RereadAsync(CancellationToken cancellation)
    {
        var before = _certificate;
        try
        {
            _certificate = ServerCertificate.Read(_options, before);
        }
        catch (Exception e)
            when (e
                    is System.Security.Cryptography.CryptographicException
                        or IOException
                        or UnauthorizedAccessException
                        or ArgumentException
            )
        {
            _logger.CertificateUnreadable(_options.Folder, e.Message, before is not null);
            return;
        }

        if (_certificate is null)
        {
            if (_server is not null)
            {
                _logger.TlsClosing(_options.Folder);
                using var budget = new CancellationTokenSource(CloseBudget, _time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, budget.Token);
                await CloseAsync(either.Token);
            }

            return;
        }

        if (_server is null)
        {
            await OpenAsync(cancellation);
            _logger.TlsListening(_port, _certificate.Expires);
        }
        else if (!ReferenceEquals(before, _certificate))
        {
            _logger.CertificateReplaced(_certificate.Expires);
        }
    }

    private async Task OpenAsync(CancellationToken cancellation)
    {
        // Kestrel's TLS needs services that the server for HTTP does without.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(_loggers);
        builder.Services.Configure(_configureSockets);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            _configure(kestrel);
            kestrel.Listen(
                new IPEndPoint(_address, _options.Port),
                listen =>
                {
                    listen.Protocols = _options.Http2 ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
                    listen.UseHttps(
                        new TlsHandshakeCallbackOptions
                        {
                            HandshakeTimeout = _options.HandshakeTimeout,
                            OnConnection = _ =>
                                _certificate is { } certificate
                                    ? new ValueTask<System.Net.Security.SslServerAuthenticationOptions>(certificate.Handshake)
                                    : throw new IOException("There is no certificate any more."),
                        }
                    );
                }
            );
        });
        var server = builder.Build();
        try
        {
            var listener = server.Services.GetRequiredService<IServer>();
            await listener.StartAsync(_application, cancellation);
            _port = new Uri(listener.Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
            _server = server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private async Task CloseAsync(CancellationToken cancellation)
    {
        var server = _server!;
        _server = null;
        _port = 0;
        await server.Services.GetRequiredService<IServer>().StopAsync(cancellation);
        await server.DisposeAsync();
    }
}
