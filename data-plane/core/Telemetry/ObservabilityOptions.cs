using System.Globalization;
using Brokkr.Core.Configuration;
using Microsoft.Extensions.Logging;

namespace Brokkr.Core.Telemetry;

/// <summary>How spans leave the process.</summary>
public enum TracingProtocol
{
    /// <summary>Not at all: none are made.</summary>
    None,

    /// <summary>OTLP over gRPC.</summary>
    Grpc,

    /// <summary>OTLP as protobuf over HTTP.</summary>
    HttpProtobuf,

    /// <summary>As lines of the log.</summary>
    Stdout,
}

/// <summary>What the ConfigMap <c>config-observability</c> asks for (receiver-and-core §14.1).</summary>
public sealed record ObservabilityOptions
{
    /// <summary>True: the metrics are to be had at <see cref="Port"/> and <see cref="Path"/>. Default false: nothing listens.</summary>
    public bool Prometheus { get; init; }

    /// <summary>Port of the scrape endpoint. Default 9090.</summary>
    public int Port { get; init; } = 9090;

    /// <summary>Path of the scrape endpoint, compared exactly. Default <c>/metrics</c>.</summary>
    public string Path { get; init; } = "/metrics";

    /// <summary>How spans leave the process. Default: none are made.</summary>
    public TracingProtocol Tracing { get; init; }

    /// <summary>Where spans are sent: the full URL, path included, for HTTP. Null only where none are sent.</summary>
    public Uri? TracingEndpoint { get; init; }

    /// <summary>
    /// Share of the events without a trace of their own that get one, 0 to 1. Default 0: only traces that senders have begun go on, as their senders decided.
    /// </summary>
    public double SamplingRate { get; init; }

    /// <summary>Reads the options from the files of a folder. What is not supported is logged.</summary>
    public static ObservabilityOptions Load(string folder, ILogger logger) => From(ConfigurationFolder.Load(folder, logger), logger);

    /// <summary>Reads the options from the entries of the ConfigMap. What is not supported is logged.</summary>
    public static ObservabilityOptions From(IReadOnlyDictionary<string, string> entries, ILogger logger)
    {
        var options = WithTracing(entries, logger);
        var metrics = entries.GetValueOrDefault("metrics-protocol", "").Trim();
        switch (metrics.ToUpperInvariant())
        {
            case "PROMETHEUS":
                return WithEndpoint(options, entries.GetValueOrDefault("metrics-endpoint", "").Trim(), logger);
            case "GRPC" or "HTTP/PROTOBUF":
                logger.MetricsProtocolUnsupported("metrics-protocol", metrics);
                return options;
            default:
                return options;
        }
    }

    /// <summary>A URL gives port and path; <c>host:port</c>, which the ConfigMap's own documentation shows, gives the port.</summary>
    private static ObservabilityOptions WithEndpoint(ObservabilityOptions options, string endpoint, ILogger logger)
    {
        var defaults = options with { Prometheus = true };
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

    private static ObservabilityOptions WithTracing(IReadOnlyDictionary<string, string> entries, ILogger logger)
    {
        var options = new ObservabilityOptions
        {
            Tracing = entries.GetValueOrDefault("tracing-protocol", "").Trim().ToUpperInvariant() switch
            {
                "GRPC" => TracingProtocol.Grpc,
                "HTTP/PROTOBUF" => TracingProtocol.HttpProtobuf,
                "STDOUT" => TracingProtocol.Stdout,
                _ => TracingProtocol.None,
            },
        };
        if (options.Tracing == TracingProtocol.None)
        {
            return options;
        }

        var rate = entries.GetValueOrDefault("tracing-sampling-rate", "").Trim();
        if (double.TryParse(rate, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1)
        {
            options = options with { SamplingRate = share };
        }
        else if (rate.Length > 0)
        {
            logger.SamplingRateInvalid("tracing-sampling-rate", rate);
        }

        if (options.Tracing == TracingProtocol.Stdout)
        {
            return options;
        }

        // Collectors are often written without a scheme, as in the ConfigMap's documentation.
        var endpoint = entries.GetValueOrDefault("tracing-endpoint", "").Trim();
        var url = endpoint.Contains("://", StringComparison.Ordinal) ? endpoint : "http://" + endpoint;
        if (endpoint.Length > 0 && Uri.TryCreate(url, UriKind.Absolute, out var uri) && (uri.Scheme is "http" or "https"))
        {
            return options with { TracingEndpoint = uri };
        }

        logger.TracingEndpointInvalid("tracing-endpoint", endpoint);
        return options with { Tracing = TracingProtocol.None };
    }

    private static bool HasPort(string url)
    {
        var authority = url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..];
        authority = authority[..(authority.IndexOfAny(['/', '?', '#']) is >= 0 and var end ? end : authority.Length)];
        return authority.LastIndexOf(':') > authority.LastIndexOf(']');
    }
}
