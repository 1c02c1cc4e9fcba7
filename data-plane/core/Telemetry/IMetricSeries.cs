namespace Brokkr.Core.Telemetry;

/// <summary>The series that an exporter keeps. Roles drop those of a resource when it goes.</summary>
public interface IMetricSeries
{
    /// <summary>Drops every series that carries all of the given tags; counts start anew should they appear again.</summary>
    void Remove(params ReadOnlySpan<KeyValuePair<string, string>> tags);

    /// <summary>
    /// Has something brought up to date before the series are shown, such as what must be asked for elsewhere. It gets a second or so; what takes longer is
    /// cancelled, and the series show what is known. Without an exporter it is never called.
    /// </summary>
    /// <param name="refresh">What to do; never called twice at a time.</param>
    /// <returns>Dispose it to end that.</returns>
    IDisposable BeforeScrape(Func<CancellationToken, Task> refresh) => NoRefresh.Instance;
}

/// <summary>Nothing to end.</summary>
file sealed class NoRefresh : IDisposable
{
    public static NoRefresh Instance { get; } = new();

    public void Dispose() { }
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
