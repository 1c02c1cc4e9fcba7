using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Brokkr.Core.Log;
using Brokkr.Kafka.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka.Native;

/// <summary>Owns one librdkafka client. Dispose it last, after every queue and topic handle that was made from it.</summary>
internal sealed class NativeClient : ITokenHolder, IAsyncDisposable
{
    private const int ErrorSize = 512;
    private readonly ILogger _logger;
    private readonly BearerTokens? _tokens;
    private GCHandle _self;
    private int _disposed;

    private NativeClient(ILogger logger, BearerTokens? tokens)
    {
        _logger = logger;
        _tokens = tokens;
        _self = GCHandle.Alloc(this, GCHandleType.Weak);
    }

    /// <summary>The client.</summary>
    public nint Handle { get; private set; }

    /// <summary>Creates a client.</summary>
    /// <param name="type"><see cref="Rd.TypeProducer"/> or <see cref="Rd.TypeConsumer"/>.</param>
    /// <param name="settings">librdkafka settings; values may be secrets and are not logged.</param>
    /// <param name="deliveryReport">Called on the polling thread for each finished record; null for none.</param>
    /// <param name="events">Which events go to the main queue instead of callbacks.</param>
    /// <param name="logger">Gets what the client says.</param>
    /// <param name="tokens">What it logs in with, for mechanism OAUTHBEARER; connections wait for the first.</param>
    /// <exception cref="LogConfigurationException">A setting is not accepted; the message names it.</exception>
    public static unsafe NativeClient Create(
        int type,
        IReadOnlyDictionary<string, string> settings,
        delegate* unmanaged[Cdecl]<nint, Message*, nint, void> deliveryReport,
        int events,
        ILogger logger,
        BearerTokens? tokens = null
    )
    {
        var client = new NativeClient(logger, tokens);
        var error = stackalloc byte[ErrorSize];
        var conf = Rd.ConfNew();
        foreach (var (name, value) in settings)
        {
            if (Rd.ConfSet(conf, name, value, error, ErrorSize) != 0)
            {
                Rd.ConfDestroy(conf);
                client._self.Free();
                throw new LogConfigurationException($"Kafka client setting {name}: {Rd.Text(error)}");
            }
        }

        Rd.ConfSetOpaque(conf, GCHandle.ToIntPtr(client._self));
        Rd.ConfSetLog(conf, &OnLog);
        if (deliveryReport != null)
        {
            Rd.ConfSetDeliveryReport(conf, deliveryReport);
        }

        if (events != 0)
        {
            Rd.ConfSetEvents(conf, events);
        }

        var handle = Rd.New(type, conf, error, ErrorSize);
        if (handle == 0)
        {
            Rd.ConfDestroy(conf);
            client._self.Free();
            throw new LogConfigurationException($"Kafka client: {Rd.Text(error)}");
        }

        client.Handle = handle;
        tokens?.Attach(client);
        return client;
    }

    /// <inheritdoc/>
    public unsafe void Take(BearerToken token, string principal, IReadOnlyDictionary<string, string> extensions)
    {
        var error = stackalloc byte[ErrorSize];
        var texts = stackalloc byte*[extensions.Count * 2];
        var count = 0;
        foreach (var (name, value) in extensions)
        {
            texts[count++] = (byte*)Marshal.StringToCoTaskMemUTF8(name);
            texts[count++] = (byte*)Marshal.StringToCoTaskMemUTF8(value);
        }

        var code = Rd.SetToken(
            Handle,
            token.Value,
            token.Expires.ToUnixTimeMilliseconds(),
            principal,
            texts,
            (nuint)count,
            error,
            ErrorSize
        );
        while (count > 0)
        {
            Marshal.FreeCoTaskMem((nint)texts[--count]);
        }

        if (code != ErrorCodes.None)
        {
            _logger.TokenNotTaken(principal, Rd.Text(error));
        }
    }

    /// <summary>Closes the client. May take a moment, so it runs on the thread pool.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _tokens?.Detach(this);
        var handle = Handle;
        await Task.Run(() => Rd.Destroy(handle)).ConfigureAwait(false);
        _self.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe void OnLog(nint client, int level, byte* facility, byte* text)
    {
        var opaque = client == 0 ? 0 : Rd.Opaque(client);
        if (opaque == 0 || GCHandle.FromIntPtr(opaque).Target is not NativeClient self)
        {
            return;
        }

        // Levels are those of syslog. What is below a warning is of interest to somebody who debugs the client only.
        if (level <= 4)
        {
            self._logger.ClientWarning(Rd.Text(facility), Rd.Text(text));
        }
        else
        {
            self._logger.ClientDebug(Rd.Text(facility), Rd.Text(text));
        }
    }
}
