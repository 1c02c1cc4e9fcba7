using System.Collections.Concurrent;
using Brokkr.Core.Log;
using Brokkr.Dispatcher.Feed;

namespace Brokkr.Dispatcher.Delivery;

/// <summary>The dead letter topics of a log: <c>&lt;topic&gt;.dead-letters</c>, made when first needed like the topic itself.</summary>
/// <param name="log">The log.</param>
internal sealed class DeadLetterTopics(ILog log)
{
    private const string Suffix = ".dead-letters";
    private readonly ConcurrentDictionary<string, Lazy<Task>> _made = new(StringComparer.Ordinal);

    /// <summary>The dead letter topic of a topic.</summary>
    public static string NameOf(string topic) => topic + Suffix;

    /// <summary>Stores an event.</summary>
    /// <param name="topic">The topic it came from.</param>
    /// <param name="letter">The event with its error attributes.</param>
    /// <param name="trigger">Whose dead letter it is; replaying it must reach that one alone.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>How it ended, and a sentence about what went wrong.</returns>
    public async ValueTask<(AppendOutcome Outcome, string Problem)> StoreAsync(
        string topic,
        EventView letter,
        TriggerName trigger,
        CancellationToken cancellation
    )
    {
        var name = NameOf(topic);
        try
        {
            await MakeAsync(topic, cancellation);
        }
        catch (Exception failure) when (failure is LogUnavailableException or TopicRefusedException)
        {
            return (AppendOutcome.UnknownTopic, $"The topic {name} cannot be made: {failure.Message}");
        }

        ValueTask<AppendResult> append;
        using (var record = RecordBuffer.Rent())
        {
            DeadLetterEvent.Write(letter, record);
            trigger.Write(record);
            append = log.Writer.AppendAsync(name, record);
        }

        var result = await append;
        if (result.Outcome == AppendOutcome.UnknownTopic)
        {
            // Somebody deleted it.
            _made.TryRemove(name, out _);
        }

        return (result.Outcome, $"The topic {name} does not take it ({result.Outcome}): {result.Error}");
    }

    private async Task MakeAsync(string topic, CancellationToken cancellation)
    {
        var name = NameOf(topic);
        var making = _made.GetOrAdd(name, _ => new Lazy<Task>(() => CreateAsync(topic)));
        try
        {
            await making.Value.WaitAsync(cancellation);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            _made.TryRemove(KeyValuePair.Create(name, making));
            throw;
        }
    }

    private async Task CreateAsync(string topic)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        if (await log.Topics.DescribeAsync(NameOf(topic), deadline.Token) is not null)
        {
            return;
        }

        var source =
            await log.Topics.DescribeAsync(topic, deadline.Token)
            ?? throw new LogUnavailableException($"The topic {topic} does not exist.");
        var letters = new TopicSpecification(
            NameOf(topic),
            source.Partitions,
            source.ReplicationFactor,
            new Dictionary<string, string>(StringComparer.Ordinal)
        );
        await log.Topics.CreateAsync(letters, deadline.Token);
    }
}

/// <summary>Who a dead letter was meant for, in headers that are no attributes of the event.</summary>
/// <param name="namespaceName">Namespace of the Trigger.</param>
/// <param name="name">Name of the Trigger.</param>
/// <param name="group">Its consumer group.</param>
internal sealed class TriggerName(string namespaceName, string name, string group)
{
    private readonly byte[] _namespace = System.Text.Encoding.UTF8.GetBytes(namespaceName);
    private readonly byte[] _name = System.Text.Encoding.UTF8.GetBytes(name);
    private readonly byte[] _group = System.Text.Encoding.UTF8.GetBytes(group);

    public string Namespace { get; } = namespaceName;

    public string Name { get; } = name;

    public void Write(RecordBuffer record)
    {
        record.AddHeader("brokkr_trigger_namespace"u8, _namespace);
        record.AddHeader("brokkr_trigger_name"u8, _name);
        record.AddHeader("brokkr_group"u8, _group);
    }
}
