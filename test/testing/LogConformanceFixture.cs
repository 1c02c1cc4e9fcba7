using Brokkr.Core.Log;

namespace Brokkr.Testing;

/// <summary>What not every log can do. A test that needs it is skipped with the fixture's reason.</summary>
public enum LogCapability
{
    /// <summary>Topics can be created and deleted through the port, and an append does not create one.</summary>
    TopicAdministration,

    /// <summary>Settings of a topic, such as <c>max.message.bytes</c>, have an effect.</summary>
    TopicSettings,

    /// <summary>Groups can be deleted.</summary>
    GroupDeletion,

    /// <summary>Records, topics and cursors outlive the instance that wrote them.</summary>
    Restart,

    /// <summary>A second instance can be open beside the first.</summary>
    SecondInstance,

    /// <summary>Instances share the partitions between them.</summary>
    SharedOwnership,

    /// <summary>A member may change the topics that it serves.</summary>
    ChangingTopics,

    /// <summary>The fixture can make the log refuse writes and accept them again.</summary>
    Outage,

    /// <summary>Topics can be described, and <see cref="ILog.IsReachableAsync"/> is true while the log answers.</summary>
    Description,

    /// <summary>While the log is away <see cref="ILog.IsReachableAsync"/> says so.</summary>
    OutageIsNoticed,
}

/// <summary>A log to run <see cref="LogConformance"/> against. One per test class; tests run one after the other and use topics of their own.</summary>
public abstract class LogConformanceFixture : IAsyncLifetime
{
    /// <summary>How long a test waits for something that must happen. A failing test takes this long.</summary>
    public virtual TimeSpan Patience => TimeSpan.FromSeconds(30);

    /// <summary>Records of this size (<see cref="RecordBuffer.SizeInBytes"/>) must be accepted by a topic without settings.</summary>
    public virtual int AcceptedRecordBytes => 1_000_000 - 1024;

    /// <summary>Records of this size must be refused as too large by a topic without settings.</summary>
    public virtual int RefusedRecordBytes => 1_100_000;

    /// <summary>Why the log cannot do something; null if it can.</summary>
    public virtual string? Missing(LogCapability capability) => null;

    /// <summary>
    /// Opens an instance of the log. What was written through earlier instances is there (<see cref="LogCapability.Restart"/>). The test disposes it
    /// before it opens the next, unless it asks for <see cref="LogCapability.SecondInstance"/>.
    /// </summary>
    public abstract ValueTask<ILog> OpenAsync();

    /// <summary>Creates a topic with one copy, by whatever way the log has.</summary>
    public virtual async ValueTask CreateTopicAsync(ILog log, string topic, int partitions)
    {
        Assert.True(
            await log.Topics.CreateAsync(
                new TopicSpecification(topic, partitions, 1, new Dictionary<string, string>(StringComparer.Ordinal)),
                CancellationToken.None
            )
        );
    }

    /// <summary>From now on nothing can be stored.</summary>
    public virtual ValueTask MakeUnavailableAsync() => throw new NotSupportedException();

    /// <summary>Ends what <see cref="MakeUnavailableAsync"/> began; does nothing if there was nothing.</summary>
    public virtual ValueTask MakeAvailableAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
