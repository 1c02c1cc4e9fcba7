using System.Globalization;
using Brokkr.Core.Configuration;
using Microsoft.Extensions.Logging;

namespace Brokkr.Core.Telemetry;

/// <summary>What the ConfigMap <c>config-observability</c> asks for (receiver-and-core §14.1).</summary>
public sealed record ObservabilityOptions
{
    /// <summary>True: the metrics are to be had at <see cref="Port"/> and <see cref="Path"/>. Default false: nothing listens.</summary>
    public bool Prometheus { get; init; }

    /// <summary>Port of the scrape endpoint. Default 9090.</summary>
    public int Port { get; init; } = 9090;

    /// <summary>Path of the scrape endpoint, compared exactly. Default <c>/metrics</c>.</summary>
    public string Path { get; init; } = "/metrics";

    /// <summary>Reads the options from the files of a folder. What is not supported is logged.</summary>
    public static ObservabilityOptions Load(string folder, ILogger logger) => From(ConfigurationFolder.Load(folder, logger), logger);

    /// <summary>Reads the options from the entries of the ConfigMap. What is not supported is logged.</summary>
    public static ObservabilityOptions From(IReadOnlyDictionary<string, string> entries, ILogger logger)
    {
        var tracing = entries.GetValueOrDefault("tracing-protocol", "").Trim();
        if (tracing.ToUpperInvariant() is "GRPC" or "HTTP/PROTOBUF" or "STDOUT")
        {
            logger.TracingProtocolUnsupported("tracing-protocol", tracing);
        }

        var metrics = entries.GetValueOrDefault("metrics-protocol", "").Trim();
        switch (metrics.ToUpperInvariant())
        {
            case "PROMETHEUS":
                return WithEndpoint(entries.GetValueOrDefault("metrics-endpoint", "").Trim(), logger);
            case "GRPC" or "HTTP/PROTOBUF":
                logger.MetricsProtocolUnsupported("metrics-protocol", metrics);
                return new ObservabilityOptions();
            default:
                return new ObservabilityOptions();
        }
    }

    /// <summary>A URL gives port and path; <c>host:port</c>, which the ConfigMap's own documentation shows, gives the port.</summary>
    private static ObservabilityOptions WithEndpoint(string endpoint, ILogger logger)
    {
        var defaults = new ObservabilityOptions { Prometheus = true };
        if (endpoint.Length == 0)
        {
            return defaults;
        }

        if (endpoint.Contains("://", StringComparison.Ordinal))
        {
            if (Uri.TryCreate(endpoint, UriKind.Absolute, out var url))
            {
                return defaults with
                {
                    // Only a port that was written counts: a scheme's own is not meant.
                    Port = HasPort(endpoint) ? url.Port : defaults.Port,
                    Path = url.AbsolutePath is "" or "/" ? defaults.Path : url.AbsolutePath,
                };
            }
        }
        else if (
            endpoint.LastIndexOf(':') is >= 0 and var colon
            && ushort.TryParse(endpoint.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port > 0
        )
        {
            return defaults with { Port = port };
        }

        logger.MetricsEndpointInvalid("metrics-endpoint", endpoint, defaults.Port, defaults.Path);
        return defaults;
    }

    private static bool HasPort(string url)
    {
        var authority = url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..];
        authority = authority[..(authority.IndexOfAny(['/', '?', '#']) is >= 0 and var end ? end : authority.Length)];
        return authority.LastIndexOf(':') > authority.LastIndexOf(']');
    }
}
