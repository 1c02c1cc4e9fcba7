using System.Net;
using Brokkr.Core.Configuration;
using Brokkr.Receiver;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Receiver;

/// <summary>
/// The properties of the original's web server in <c>config-kafka-*-httpserver.properties</c>, as far as they mean something here
/// (receiver-and-core §6.7). Keys without a meaning are reported, never fatal.
/// </summary>
internal static class HttpServerProperties
{
    /// <summary>Keys that need nothing here: what they ask for is done anyway, or is decided elsewhere.</summary>
    private static readonly HashSet<string> Moot = new(StringComparer.Ordinal)
    {
        "idleTimeoutUnit",
        "port",
        "tracingPolicy",
        "handle100ContinueAutomatically",
        "compressionSupported",
        "maxChunkSize",
        "reuseAddress",
        "clientAuth",
    };

    /// <summary>Lays the properties over options.</summary>
    public static ReceiverOptions Apply(IReadOnlyDictionary<string, string> properties, ReceiverOptions options, ILogger logger)
    {
        foreach (var (key, value) in properties)
        {
            var changed = Apply(key, value, properties, options);
            if (changed is null)
            {
                logger.HttpServerPropertyIgnored(key);
            }

            options = changed ?? options;
        }

        return options;
    }

    private static ReceiverOptions? Apply(
        string key,
        string value,
        IReadOnlyDictionary<string, string> properties,
        ReceiverOptions options
    ) =>
        key switch
        {
            "idleTimeout" => options with { IdleTimeout = IdleTimeout(properties) },
            "maxInitialLineLength" => options with { MaxRequestLineBytes = Bytes(properties, key, options.MaxRequestLineBytes) },
            "maxHeaderSize" => options with { MaxHeaderBytes = Bytes(properties, key, options.MaxHeaderBytes) },
            "acceptBacklog" => properties.WholeNumber(key, -1) is > 0 and <= int.MaxValue and var backlog
                ? options with
                {
                    AcceptBacklog = (int)backlog,
                }
                : options,
            "tcpNoDelay" => options with { NoDelay = properties.Flag(key, options.NoDelay) },
            "host" => IPAddress.TryParse(value.Trim(), out var address) ? options with { Address = address } : null,
            "decompressionSupported" => options with { Decompress = properties.Flag(key, options.Decompress) },
            "http2ClearTextEnabled" => options with { Http2 = properties.Flag(key, options.Http2) },
            "useAlpn" => options.Tls is { } tls ? options with { Tls = tls with { Http2 = properties.Flag(key, tls.Http2) } } : options,
            "initialSettings.maxConcurrentStreams" => properties.WholeNumber(key, 0) is > 0 and <= int.MaxValue and var streams
                ? options with
                {
                    MaxStreamsPerConnection = (int)streams,
                }
                : options,
            _ => Moot.Contains(key) ? options : null,
        };

    private static int Bytes(IReadOnlyDictionary<string, string> properties, string key, int fallback) =>
        (int)Math.Clamp(properties.WholeNumber(key, fallback), ReceiverOptions.LeastHeaderBytes, ReceiverOptions.MostHeaderBytes);

    private static TimeSpan IdleTimeout(IReadOnlyDictionary<string, string> properties)
    {
        var ticks = Unit(properties).Ticks * Math.Max(0, properties.Number("idleTimeout", 0));
        return ticks < ReceiverOptions.LongestTime.Ticks ? TimeSpan.FromTicks((long)ticks) : ReceiverOptions.LongestTime;
    }

    private static TimeSpan Unit(IReadOnlyDictionary<string, string> properties) =>
        properties.GetValueOrDefault("idleTimeoutUnit", "SECONDS").Trim().ToUpperInvariant() switch
        {
            "NANOSECONDS" => TimeSpan.FromTicks(1),
            "MICROSECONDS" => TimeSpan.FromMicroseconds(1),
            "MILLISECONDS" => TimeSpan.FromMilliseconds(1),
            "MINUTES" => TimeSpan.FromMinutes(1),
            "HOURS" => TimeSpan.FromHours(1),
            "DAYS" => TimeSpan.FromDays(1),
            _ => TimeSpan.FromSeconds(1),
        };
}
