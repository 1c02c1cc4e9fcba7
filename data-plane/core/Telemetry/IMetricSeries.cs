namespace Brokkr.Core.Telemetry;

/// <summary>The series that an exporter keeps. Roles drop those of a resource when it goes.</summary>
public interface IMetricSeries
{
    /// <summary>Drops every series that carries all of the given tags; counts start anew should they appear again.</summary>
    void Remove(params ReadOnlySpan<KeyValuePair<string, string>> tags);
}

/// <summary>Keeps no series: for roles without an exporter.</summary>
public sealed class NoMetricSeries : IMetricSeries
{
    private NoMetricSeries() { }

    /// <summary>The only instance.</summary>
    public static NoMetricSeries Instance { get; } = new();

    /// <inheritdoc/>
    public void Remove(params ReadOnlySpan<KeyValuePair<string, string>> tags) { }
}
