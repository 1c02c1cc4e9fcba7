using Brokkr.Core.Configuration;
using Brokkr.Dispatcher;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Dispatcher;

/// <summary>
/// The properties of the original's HTTP client in <c>config-kafka-*-webclient.properties</c>, as far as they mean something here (dispatcher §7.2). Keys
/// without a meaning are reported, never fatal.
/// </summary>
internal static class WebClientProperties
{
    /// <summary>Keys that need nothing here: what they ask for is done anyway, or is decided elsewhere.</summary>
    private static readonly HashSet<string> Moot = new(StringComparer.Ordinal)
    {
        "idleTimeout",
        "idleTimeoutUnit",
        "maxPoolSize",
        "maxWaitQueueSize",
        "keepAlive",
        "tcpNoDelay",
        "verifyHost",
        "followRedirects",
        "maxRedirects",
        "decompressionSupported",
        "pipelining",
        "tracingPolicy",
    };

    /// <summary>Lays the properties over options.</summary>
    public static DispatcherOptions Apply(IReadOnlyDictionary<string, string> properties, DispatcherOptions options, ILogger logger)
    {
        foreach (var key in properties.Keys)
        {
            switch (key)
            {
                case "connectTimeout" when properties.WholeNumber(key, 0) is > 0 and <= int.MaxValue and var milliseconds:
                    options = options with { ConnectTimeout = TimeSpan.FromMilliseconds(milliseconds) };
                    break;
                case "keepAliveTimeout" when properties.WholeNumber(key, 0) is > 0 and <= int.MaxValue / 1000 and var seconds:
                    options = options with { ConnectionIdleTimeout = TimeSpan.FromSeconds(seconds) };
                    break;
                default:
                    if (!Moot.Contains(key))
                    {
                        logger.WebClientPropertyIgnored(key);
                    }

                    break;
            }
        }

        return options;
    }
}
