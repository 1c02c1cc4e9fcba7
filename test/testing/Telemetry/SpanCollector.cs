using System.Collections.Concurrent;
using System.Diagnostics;

namespace Brokkr.Testing.Telemetry;

/// <summary>
/// Collects the spans of one trace in this process, as far as the trace is recorded. Other tests of the process are not traced: theirs is another trace.
/// </summary>
public sealed class SpanCollector : IDisposable
{
    private readonly ConcurrentQueue<Activity> _ended = [];
    private readonly ActivityListener _listener;

    /// <summary>Begins to collect.</summary>
    /// <param name="source">Name of the source of the spans.</param>
    public SpanCollector(string source)
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = candidate => candidate.Name == source,
            Sample = (ref options) =>
                options.Parent.TraceId == Trace && options.Parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
                    ? ActivitySamplingResult.AllDataAndRecorded
                    : ActivitySamplingResult.None,
            ActivityStopped = activity =>
            {
                if (activity.TraceId == Trace)
                {
                    _ended.Enqueue(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>The trace.</summary>
    public ActivityTraceId Trace { get; } = ActivityTraceId.CreateRandom();

    /// <summary>Spans that have ended, in that order.</summary>
    public IReadOnlyCollection<Activity> Ended => _ended;

    /// <summary>Waits until the only span of a name has ended.</summary>
    public Task<Activity> SingleAsync(string name) =>
        Eventually.Value(() => _ended.SingleOrDefault(span => span.OperationName == name), $"the span {name}");

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();
}
