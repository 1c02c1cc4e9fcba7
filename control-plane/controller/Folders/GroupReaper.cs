using Brokkr.Apis;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Folders;

/// <summary>
/// Deletes the consumer groups of Triggers that are gone (design: "Trigger deleted: its group is deleted"), never before a contract without
/// them is in force and they have been gone for a while. Used by one caller at a time.
/// </summary>
internal sealed class GroupReaper(FolderOptions options, ILogProvider logs, TimeProvider time, ILogger logger, Action onProgress)
{
    private const int MaxFailures = 8;

    // A dispatcher that is still finishing the Trigger's last deliveries may store its position again after the first deletion: it has stopped by
    // then.
    private static readonly TimeSpan SecondPass = TimeSpan.FromSeconds(30);

    private readonly Dictionary<ObjectKey, KnownGroup> _known = [];
    private readonly Dictionary<string, Doomed> _doomed = new(StringComparer.Ordinal);

    /// <summary>When a group is due that nobody will signal; null when none is.</summary>
    public DateTimeOffset? NextDue => _doomed.Values.Where(doomed => doomed.Work is null).Min(doomed => (DateTimeOffset?)doomed.At);

    /// <summary>
    /// Takes in what has finished, and starts what is due. Call it after the contract that follows from these Triggers has been published.
    /// </summary>
    /// <param name="triggers">Every Trigger there is, also one that is not served.</param>
    /// <param name="served">The groups of those that are served, with the resource that tells where they live.</param>
    /// <param name="stop">Ends the work.</param>
    public void Update(IReadOnlySet<ObjectKey> triggers, IReadOnlyDictionary<ObjectKey, KnownGroup> served, CancellationToken stop)
    {
        foreach (var (key, group) in served)
        {
            _known[key] = group;
        }

        var now = time.GetUtcNow();
        foreach (var (key, group) in _known.Where(known => !triggers.Contains(known.Key)).ToList())
        {
            _known.Remove(key);
            _doomed[group.Name] = new Doomed { Group = group, At = now + options.GroupDeletionDelay };
        }

        // Back again, or taken over by another Trigger.
        foreach (var group in _known.Values)
        {
            _doomed.Remove(group.Name);
        }

        foreach (var (name, doomed) in _doomed.ToList())
        {
            Collect(name, doomed);
            if (doomed.Work is null && doomed.At <= now && _doomed.ContainsKey(name))
            {
                doomed.Work = DeleteAsync(doomed.Group, stop);
                // When it has completed, not from within: whoever is told must find the result.
                _ = doomed.Work.ContinueWith(_ => onProgress(), TaskScheduler.Default);
            }
        }
    }

    /// <summary>Completes when nothing is under way.</summary>
    public Task WhenIdle() => Task.WhenAll(_doomed.Values.Select(doomed => doomed.Work).OfType<Task>());

    private void Collect(string name, Doomed doomed)
    {
        if (doomed.Work is not { IsCompletedSuccessfully: true } work)
        {
            return;
        }

        // Completed: this does not wait.
        var error = work.GetAwaiter().GetResult();
        doomed.Work = null;
        if (error is null && doomed.IsSecondPass)
        {
            _doomed.Remove(name);
        }
        else if (error is null)
        {
            logger.GroupDeleted(name);
            doomed.IsSecondPass = true;
            doomed.Failures = 0;
            doomed.At = time.GetUtcNow() + SecondPass;
        }
        else if (doomed.Failures >= MaxFailures)
        {
            logger.GroupLeft(name, error);
            _doomed.Remove(name);
        }
        else
        {
            var delay = Math.Min(options.RetryDelay.Ticks << doomed.Failures, options.MaxRetryDelay.Ticks);
            doomed.At = time.GetUtcNow() + TimeSpan.FromTicks(delay);
            doomed.Failures++;
        }
    }

    private async Task<string?> DeleteAsync(KnownGroup group, CancellationToken stop)
    {
        // The caller has other things to do.
        await Task.Yield();
        using var timeout = new CancellationTokenSource(options.LogTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        try
        {
            await using var lease = await logs.AcquireAsync(group.Resource, both.Token);
            await lease.Log.Cursors.DeleteAsync(group.Name, both.Token);
            return null;
        }
        catch (OperationCanceledException)
        {
            return $"no answer within {options.LogTimeout}";
        }
        catch (Exception exception)
        {
            return exception.Message;
        }
    }

    /// <summary>A group and where it lives.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Resource">A resource on the same log.</param>
    public sealed record KnownGroup(string Name, Resource Resource);

    private sealed class Doomed
    {
        public required KnownGroup Group { get; init; }

        public DateTimeOffset At { get; set; }

        public int Failures { get; set; }

        public bool IsSecondPass { get; set; }

        public Task<string?>? Work { get; set; }
    }
}
