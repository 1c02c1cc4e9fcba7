namespace Brokkr.Dispatcher.Cursors;

/// <summary>When the positions of a Trigger are committed.</summary>
/// <param name="Interval">How long what a restart would merely pass again may wait.</param>
/// <param name="Delay">How long what a restart would repeat may wait.</param>
/// <param name="Batch">How many finished deliveries do not wait.</param>
internal readonly record struct CommitTiming(TimeSpan Interval, TimeSpan Delay, int Batch)
{
    public static CommitTiming From(DispatcherOptions options) =>
        new(
            options.CommitInterval,
            options.CommitDelay < options.CommitInterval ? options.CommitDelay : options.CommitInterval,
            options.CommitBatch
        );
}
