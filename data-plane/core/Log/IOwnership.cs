namespace Brokkr.Core.Log;

/// <summary>Takes partitions over and gives them up.</summary>
public interface IOwnershipListener
{
    /// <summary>These partitions belong to this process from now on. Must return soon; the work goes on elsewhere.</summary>
    void Gained(IReadOnlyList<TopicPartition> partitions);

    /// <summary>
    /// These partitions are about to go to another process, which begins when this completes: stop new deliveries, let running ones finish within
    /// the budget, store the cursors. After <paramref name="budget"/> has been cancelled the partitions are gone whatever is still running.
    /// </summary>
    Task LosingAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken budget);

    /// <summary>These partitions belong to another process already: nothing may be stored for them any more.</summary>
    void Lost(IReadOnlyList<TopicPartition> partitions);
}

/// <summary>Decides which process serves which partition: every partition of the topics has one owner at a time.</summary>
public interface IOwnership : IAsyncDisposable
{
    /// <summary>
    /// Sets the topics that this process serves. May be called at any time; partitions of topics that stay are not disturbed. Topics that do not
    /// exist are waited for, and partitions that are added later are found within seconds.
    /// </summary>
    void Serve(IReadOnlyCollection<string> topics);
}

/// <summary>The log as a whole: one cluster with one set of credentials, or one embedded file.</summary>
public interface ILog : IAsyncDisposable
{
    /// <summary>Appends records.</summary>
    ILogWriter Writer { get; }

    /// <summary>Reads partitions.</summary>
    ILogReaders Readers { get; }

    /// <summary>Loads and stores positions of consumer groups.</summary>
    ICursorStore Cursors { get; }

    /// <summary>Creates, describes and deletes topics.</summary>
    ITopics Topics { get; }

    /// <summary>Joins the processes that share the partitions. Disposing the result gives up all partitions in an orderly way.</summary>
    /// <param name="listener">Is told what is gained and lost, one call at a time.</param>
    /// <param name="consumerGroup">
    /// Where given, the partitions are shared only by the processes that join for this group, not by all that serve their topics. Where one process owns everything that
    /// makes no difference.
    /// </param>
    IOwnership Join(IOwnershipListener listener, string consumerGroup = "");

    /// <summary>Whether the log answers now, for readiness.</summary>
    /// <param name="cancellation">Ends the wait; then the answer is false.</param>
    ValueTask<bool> IsReachableAsync(CancellationToken cancellation);
}
