using System.Globalization;
using Brokkr.Core.Configuration;
using Microsoft.Extensions.Logging;

namespace Brokkr.Core.Telemetry;

/// <summary>How metrics leave the process.</summary>
public enum MetricsProtocol
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Served for Prometheus to scrape.</summary>
    Prometheus,

    /// <summary>Sent by OTLP over gRPC.</summary>
    Grpc,

    /// <summary>Sent by OTLP as protobuf over HTTP.</summary>
    HttpProtobuf,
}

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
    /// <summary>The longest <see cref="ExportInterval"/>: a day.</summary>
    public static readonly TimeSpan LongestInterval = TimeSpan.FromDays(1);

    /// <summary>How metrics leave the process. Default: not at all, and nothing listens.</summary>
    public MetricsProtocol Metrics { get; init; }

    /// <summary>Port of the scrape endpoint. Default 9090.</summary>
    public int Port { get; init; } = 9090;

    /// <summary>Path of the scrape endpoint, compared exactly. Default <c>/metrics</c>.</summary>
    public string Path { get; init; } = "/metrics";

    /// <summary>Where metrics are sent: the full URL, path included, for HTTP. Null only where none are sent.</summary>
    public Uri? MetricsEndpoint { get; init; }

    /// <summary>How often metrics are sent, 1 ms to <see cref="LongestInterval"/>. Default 60 s.</summary>
    public TimeSpan ExportInterval { get; init; } = TimeSpan.FromMinutes(1);

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
        return Value(entries, "metrics-protocol").ToUpperInvariant() switch
        {
            "PROMETHEUS" => WithScraping(options, Value(entries, "metrics-endpoint"), logger),
            "GRPC" => WithExport(options with { Metrics = MetricsProtocol.Grpc }, entries, logger),
            "HTTP/PROTOBUF" => WithExport(options with { Metrics = MetricsProtocol.HttpProtobuf }, entries, logger),
            _ => options,
        };
    }

    private static string Value(IReadOnlyDictionary<string, string> entries, string key) => entries.GetValueOrDefault(key, "").Trim();

    private static ObservabilityOptions WithExport(
        ObservabilityOptions options,
        IReadOnlyDictionary<string, string> entries,
        ILogger logger
    )
    {
        var endpoint = Value(entries, "metrics-endpoint");
        if (UrlOf(endpoint) is not { } url)
        {
            logger.ExportEndpointInvalid("metrics-endpoint", endpoint, "metrics");
            return options with { Metrics = MetricsProtocol.None };
        }

        options = options with { MetricsEndpoint = url };
        var interval = Value(entries, "metrics-export-interval");
        if (GoDuration.TryParse(interval, out var time) && time >= TimeSpan.FromMilliseconds(1) && time <= LongestInterval)
        {
            return options with { ExportInterval = time };
        }

        if (interval.Length > 0)
        {
            logger.ExportIntervalInvalid("metrics-export-interval", interval, options.ExportInterval.TotalSeconds);
        }

        return options;
    }

    /// <summary>Collectors are often written without a scheme, as in the ConfigMap's documentation.</summary>
    private static Uri? UrlOf(string endpoint) =>
        endpoint.Length > 0
        && Uri.TryCreate(
            endpoint.Contains("://", StringComparison.Ordinal) ? endpoint : "http://" + endpoint,
            UriKind.Absolute,
            out var url
        )
        && url.Scheme is "http" or "https"
            ? url
            : null;

    /// <summary>A URL gives port and path; <c>host:port</c>, which the ConfigMap's own documentation shows, gives the port.</summary>
    private static ObservabilityOptions WithScraping(ObservabilityOptions options, string endpoint, ILogger logger)
    {
        var defaults = options with { Metrics = MetricsProtocol.Prometheus };
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
            Tracing = Value(entries, "tracing-protocol").ToUpperInvariant() switch
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

        var rate = Value(entries, "tracing-sampling-rate");
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

        var endpoint = Value(entries, "tracing-endpoint");
        if (UrlOf(endpoint) is { } url)
        {
            return options with { TracingEndpoint = url };
        }

        logger.ExportEndpointInvalid("tracing-endpoint", endpoint, "traces");
        return options with { Tracing = TracingProtocol.None };
    }

    private static bool HasPort(string url)
    {
        var authority = url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..];
        authority = authority[..(authority.IndexOfAny(['/', '?', '#']) is >= 0 and var end ? end : authority.Length)];
        return authority.LastIndexOf(':') > authority.LastIndexOf(']');
    }
}
