using Brokkr.Controller.Contracts;
using Brokkr.Controller.Logs;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Folders;

/// <summary>What is known about a topic.</summary>
/// <param name="IsReady">Whether it can be written to: it is there, or was when it was last looked at.</param>
/// <param name="Condition">The same for people.</param>
/// <param name="Notes">In which ways it is not what the manifests say.</param>
internal sealed record TopicState(bool IsReady, ObjectCondition Condition, IReadOnlyList<string> Notes);

/// <summary>
/// Makes the topics that resources need and remembers which are there. Each topic is seen to on its own, so that a dead Kafka delays only
/// those who live on it. Used by one caller at a time; the work itself goes on beside it.
/// </summary>
internal sealed class TopicKeeper(FolderOptions options, ILogProvider logs, TimeProvider time, ILogger logger, Action onProgress)
{
    private readonly Dictionary<TopicKey, Entry> _entries = [];

    /// <summary>When something is due that nobody will signal; null when nothing is.</summary>
    public DateTimeOffset? NextDue =>
        _entries.Values.Where(entry => entry.Work is null && entry.RetryAt is not null).Min(entry => entry.RetryAt);

    /// <summary>Takes in what has finished, and starts what is to be done for these resources.</summary>
    public void Update(IEnumerable<ResourcePlan> plans, CancellationToken stop)
    {
        var wanted = new Dictionary<TopicKey, ResourcePlan>();
        foreach (var plan in plans)
        {
            wanted.TryAdd(KeyOf(plan), plan);
        }

        foreach (var (key, entry) in _entries.ToList())
        {
            Collect(entry);
            if (!wanted.ContainsKey(key) && entry.Work is null)
            {
                _entries.Remove(key);
            }
        }

        foreach (var (key, plan) in wanted)
        {
            if (!_entries.TryGetValue(key, out var entry))
            {
                _entries[key] = entry = new Entry();
            }

            var isDue = entry.RetryAt is { } at && at <= time.GetUtcNow();
            if (entry.Work is null && (isDue || !IsSame(entry.Plan, plan.Topic)))
            {
                entry.Plan = plan.Topic;
                entry.RetryAt = null;
                entry.Work = WorkAsync(plan, stop);
                // When it has completed, not from within: whoever is told must find the result.
                _ = entry.Work.ContinueWith(_ => onProgress(), TaskScheduler.Default);
            }
        }
    }

    /// <summary>Completes when nothing is under way.</summary>
    public Task WhenIdle() => Task.WhenAll(_entries.Values.Select(entry => entry.Work).OfType<Task>());

    /// <summary>What is known about the topic of a resource.</summary>
    public TopicState StateOf(ResourcePlan plan) =>
        _entries.TryGetValue(KeyOf(plan), out var entry) && entry.State is { } state
            ? state
            : new TopicState(
                false,
                Conditions.Unknown(
                    Conditions.TopicReady,
                    "TopicPending",
                    $"Waiting for topic {plan.Topic.Specification.Name} on {plan.Resource.BootstrapServers}."
                ),
                []
            );

    private void Collect(Entry entry)
    {
        if (entry.Work is not { IsCompletedSuccessfully: true } work)
        {
            return;
        }

        // Completed: this does not wait.
        var (state, isFinal) = work.GetAwaiter().GetResult();
        entry.Work = null;
        // A topic that was there and cannot be looked at now is still served: its log being away is the data plane's to tell.
        entry.State = entry.State is { IsReady: true } && !state.IsReady && !isFinal ? entry.State : state;
        if (state.IsReady)
        {
            entry.Failures = 0;
            return;
        }

        var delay = TimeSpan.FromTicks(Math.Min(options.RetryDelay.Ticks << Math.Min(entry.Failures, 20), options.MaxRetryDelay.Ticks));
        entry.Failures++;
        entry.RetryAt = time.GetUtcNow() + delay;
        logger.TopicNotReady(entry.Plan!.Specification.Name, state.Condition.Message, delay);
    }

    private async Task<(TopicState State, bool IsFinal)> WorkAsync(ResourcePlan plan, CancellationToken stop)
    {
        // The caller has other topics to start.
        await Task.Yield();
        var name = plan.Topic.Specification.Name;
        var servers = plan.Resource.BootstrapServers;
        using var timeout = new CancellationTokenSource(options.LogTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        try
        {
            await using var lease = await logs.AcquireAsync(plan.Resource, both.Token);
            return await EnsureAsync(lease.Log.Topics, plan.Topic, servers, both.Token);
        }
        catch (TopicRefusedException exception)
        {
            return (Failed("TopicRefused", $"Topic {name} was refused: {exception.Message}"), true);
        }
        catch (LogConfigurationException exception)
        {
            return (Failed("LogNotUsable", $"The log at {servers} cannot be used: {exception.Message}"), true);
        }
        catch (OperationCanceledException)
        {
            return (Failed("LogUnavailable", $"The log at {servers} did not answer within {options.LogTimeout}."), false);
        }
        catch (Exception exception)
        {
            return (Failed("LogUnavailable", $"The log at {servers} did not answer: {exception.Message}"), false);
        }
    }

    private async Task<(TopicState State, bool IsFinal)> EnsureAsync(
        ITopics topics,
        TopicPlan plan,
        string servers,
        CancellationToken cancellation
    )
    {
        var name = plan.Specification.Name;
        var result = await TopicMaker.EnsureAsync(topics, plan, !options.EmbeddedLog, logger, cancellation);
        return result.Finding switch
        {
            TopicFinding.Created => (Ready($"Topic {name} created", []), true),
            TopicFinding.Missing => (
                Failed("TopicMissing", $"Topic {name} does not exist on {servers}, and its owner must make it."),
                true
            ),
            TopicFinding.NotShown => (Failed("TopicMissing", $"Topic {name} exists on {servers} but is not shown yet."), false),
            _ => plan.IsExternal
                ? (Ready($"Topic {name} (owner external)", []), true)
                : (Ready($"Topic {name} existed before", result.Drift), true),
        };
    }

    private static TopicState Ready(string message, IReadOnlyList<string> notes) =>
        new(true, Conditions.True(Conditions.TopicReady, "", message), notes);

    private static TopicState Failed(string reason, string message) =>
        new(false, Conditions.False(Conditions.TopicReady, reason, message), []);

    private static bool IsSame(TopicPlan? known, TopicPlan wanted) =>
        known is not null
        && known.IsExternal == wanted.IsExternal
        && known.Specification.Partitions == wanted.Specification.Partitions
        && known.Specification.ReplicationFactor == wanted.Specification.ReplicationFactor
        && known
            .Specification.Settings.OrderBy(setting => setting.Key, StringComparer.Ordinal)
            .SequenceEqual(wanted.Specification.Settings.OrderBy(setting => setting.Key, StringComparer.Ordinal));

    private static TopicKey KeyOf(ResourcePlan plan) =>
        new(plan.Resource.BootstrapServers, SecretOf(plan.Resource.AuthSecret), plan.Topic.Specification.Name);

    private static string SecretOf(Reference? secret) => secret is null ? "" : $"{secret.Namespace}/{secret.Name}/{secret.Version}";

    private readonly record struct TopicKey(string Servers, string Secret, string Topic);

    private sealed class Entry
    {
        public TopicPlan? Plan { get; set; }

        public TopicState? State { get; set; }

        public Task<(TopicState State, bool IsFinal)>? Work { get; set; }

        public DateTimeOffset? RetryAt { get; set; }

        public int Failures { get; set; }
    }
}
