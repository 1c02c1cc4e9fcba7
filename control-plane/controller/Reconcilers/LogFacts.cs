using Brokkr.Apis;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;

namespace Brokkr.Controller.Reconcilers;

/// <summary>
/// What logs have answered, for those who must not wait for them. Asking starts the work beside the caller and returns what is known by now; when there is
/// something new, the owner is told. An answer is asked for again after a while: soon when it was not done.
/// </summary>
/// <typeparam name="TKey">What is asked.</typeparam>
/// <typeparam name="TValue">What is answered.</typeparam>
internal sealed class LogFacts<TKey, TValue>(
    LogGates gates,
    ControlPlaneOptions options,
    TimeProvider time,
    Action<ObjectKey> onAnswer,
    CancellationToken stop,
    Func<TValue, bool>? isLasting = null
)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(ObjectKey Owner, TKey Key), Entry> _entries = [];

    /// <summary>What is known; starts what is due.</summary>
    /// <param name="owner">Who wants to know, and is told.</param>
    /// <param name="key">What.</param>
    /// <param name="resource">A resource on the log.</param>
    /// <param name="work">Asks the log.</param>
    /// <param name="next">When to look again without having been told.</param>
    public LogAnswer<TValue> Get(
        ObjectKey owner,
        TKey key,
        Resource resource,
        Func<ILog, CancellationToken, Task<TValue>> work,
        out TimeSpan? next
    )
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue((owner, key), out var entry))
            {
                _entries[(owner, key)] = entry = new Entry();
            }

            var now = time.GetUtcNow();
            if (!entry.IsWorking && entry.Due <= now)
            {
                entry.IsWorking = true;
                _ = Task.Run(() => AskAsync(owner, entry, resource, work), CancellationToken.None);
            }

            next = entry.IsWorking ? null : entry.Due - now;
            return entry.Answer;
        }
    }

    /// <summary>Forgets what an owner wanted to know, except what it still does.</summary>
    public void Forget(ObjectKey owner, params ReadOnlySpan<TKey> except)
    {
        lock (_lock)
        {
            foreach (var known in _entries.Keys.Where(entry => entry.Owner == owner).ToList())
            {
                if (!except.Contains(known.Key))
                {
                    _entries.Remove(known);
                }
            }
        }
    }

    private async Task AskAsync(ObjectKey owner, Entry entry, Resource resource, Func<ILog, CancellationToken, Task<TValue>> work)
    {
        LogAnswer<TValue> answer;
        try
        {
            answer = await gates.AskAsync(resource, work, stop);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        lock (_lock)
        {
            // What has been answered, but is not as it should be, is asked for again soon too.
            var isGood = answer.IsDone && isLasting?.Invoke(answer.Value!) is not false;
            var failures = isGood ? 0 : entry.Answer.Failures + 1;
            var delay = isGood
                ? options.FactAge
                : TimeSpan.FromTicks(Math.Min(options.RetryDelay.Ticks << Math.Min(failures - 1, 20), options.LongestRetryDelay.Ticks));
            // What was true stays so while the log is away: that is the data plane's to tell.
            entry.Answer =
                answer.Kind == LogAnswerKind.Unavailable && entry.Answer.IsDone
                    ? entry.Answer with
                    {
                        Failures = failures,
                    }
                    : answer with
                    {
                        Failures = failures,
                    };
            entry.Due = time.GetUtcNow() + delay;
            entry.IsWorking = false;
        }

        onAnswer(owner);
    }

    private sealed class Entry
    {
        public LogAnswer<TValue> Answer { get; set; } = LogAnswer<TValue>.Nothing;

        public DateTimeOffset Due { get; set; }

        public bool IsWorking { get; set; }
    }
}
