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
    private readonly Lock _storing = new();

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
        if (await ProblemOfMakingAsync(topic, cancellation) is { } problem)
        {
            return (AppendOutcome.UnknownTopic, problem);
        }

        ValueTask<AppendResult> append;
        using (var record = RecordBuffer.Rent())
        {
            DeadLetterEvent.Write(letter, record);
            trigger.Write(record);
            append = log.Writer.AppendAsync(NameOf(topic), record);
        }

        return Outcome(topic, await append);
    }

    /// <summary>
    /// Stores a record that is no event, as it is, with the reason and its place in headers; once, however many Triggers come upon it.
    /// </summary>
    /// <param name="topic">The topic it came from.</param>
    /// <param name="record">The record.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>How it ended, and a sentence about what went wrong.</returns>
    public async ValueTask<(AppendOutcome Outcome, string Problem)> StoreAsync(
        string topic,
        FeedRecord record,
        CancellationToken cancellation
    )
    {
        Lazy<Task<(AppendOutcome Outcome, string Problem)>> storing;
        lock (_storing)
        {
            storing = record.Storing ??= new(() => StoreOnceAsync(topic, record));
        }

        var isStored = false;
        try
        {
            // Whoever waits for it may give up; the others go on.
            var result = await storing.Value.WaitAsync(cancellation);
            isStored = result.Outcome == AppendOutcome.Stored;
            return result;
        }
        finally
        {
            if (!isStored && storing.Value.IsCompleted)
            {
                lock (_storing)
                {
                    // The next one tries again.
                    record.Storing = record.Storing == storing ? null : record.Storing;
                }
            }
        }
    }

    private async Task<(AppendOutcome Outcome, string Problem)> StoreOnceAsync(string topic, FeedRecord record)
    {
        if (await ProblemOfMakingAsync(topic, CancellationToken.None) is { } problem)
        {
            return (AppendOutcome.UnknownTopic, problem);
        }

        var result = await AppendAsync(topic, record, withValue: true);
        if (result.Outcome == AppendOutcome.TooLarge)
        {
            // The headers made it too large. What is left out is where they say.
            result = await AppendAsync(topic, record, withValue: false);
        }

        return Outcome(topic, result);
    }

    private async ValueTask<AppendResult> AppendAsync(string topic, FeedRecord record, bool withValue)
    {
        ValueTask<AppendResult> append;
        using (var buffer = RecordBuffer.Rent())
        {
            BrokenRecord.Write(record, buffer, withValue);
            append = log.Writer.AppendAsync(NameOf(topic), buffer);
        }

        return await append;
    }

    private (AppendOutcome Outcome, string Problem) Outcome(string topic, AppendResult result)
    {
        var name = NameOf(topic);
        if (result.Outcome == AppendOutcome.UnknownTopic)
        {
            // Somebody deleted it.
            _made.TryRemove(name, out _);
        }

        return (result.Outcome, $"The topic {name} does not take it ({result.Outcome}): {result.Error}");
    }

    private async ValueTask<string?> ProblemOfMakingAsync(string topic, CancellationToken cancellation)
    {
        try
        {
            await MakeAsync(topic, cancellation);
            return null;
        }
        catch (Exception failure) when (failure is LogUnavailableException or TopicRefusedException)
        {
            return $"The topic {NameOf(topic)} cannot be made: {failure.Message}";
        }
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
