using System.Diagnostics.CodeAnalysis;
using Brokkr.Core.Log;

namespace Brokkr.Dispatcher;

/// <summary>How an egress is.</summary>
public enum EgressState
{
    /// <summary>It is being started.</summary>
    Starting,

    /// <summary>It is served.</summary>
    Running,

    /// <summary>It cannot be served, or its last change could not be applied; this is tried again.</summary>
    Failed,

    /// <summary>It is being stopped.</summary>
    Stopping,
}

/// <summary>How an egress is.</summary>
/// <param name="Uid">Its uid in the contract.</param>
/// <param name="State">How it is.</param>
/// <param name="Problem">A sentence about what is wrong; null if nothing is.</param>
public readonly record struct EgressStatus(string Uid, EgressState State, string? Problem);

/// <summary>
/// Brings one egress to what the contract says last, one step after the other, whatever happens to other egresses. What cannot be done now is tried again.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A source of cancellation without a timer or a wait handle holds nothing.")]
internal sealed class TriggerActor
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly string _uid;
    private readonly LogSites _sites;
    private readonly DispatcherParts _parts;
    private readonly Lock _lock = new();
    private EgressSpec? _desired;
    private CancellationTokenSource _changed = new();
    private TimeSpan _stopBudget;
    private bool _ended;
    private EgressState _state = EgressState.Starting;
    private string? _problem;
    private Running? _running;

    public TriggerActor(EgressSpec desired, LogSites sites, DispatcherParts parts)
    {
        _uid = desired.Egress.Uid;
        _desired = desired;
        _sites = sites;
        _parts = parts;
        _stopBudget = parts.Options.HandOverBudget;
        _parts.Startup.Begin();
        Completion = Task.Run(RunAsync);
    }

    /// <summary>Ends when the egress was removed and has stopped.</summary>
    public Task Completion { get; }

    public EgressStatus Status
    {
        get
        {
            lock (_lock)
            {
                return new EgressStatus(_uid, _state, _problem);
            }
        }
    }

    /// <summary>The running Trigger, for tests.</summary>
    public Trigger? Trigger => Volatile.Read(ref _running)?.Trigger;

    /// <summary>Says what the egress should be.</summary>
    /// <returns>False if this has ended.</returns>
    public bool TrySet(EgressSpec desired)
    {
        lock (_lock)
        {
            if (_ended)
            {
                return false;
            }

            if (_desired is null || !_desired.IsSameAs(desired))
            {
                _desired = desired;
                _ = _changed.CancelAsync();
            }

            return true;
        }
    }

    /// <summary>The egress goes.</summary>
    /// <param name="budget">What running requests may take to finish.</param>
    public void Remove(TimeSpan budget)
    {
        lock (_lock)
        {
            _desired = null;
            _stopBudget = budget;
            _ = _changed.CancelAsync();
        }
    }

    private async Task RunAsync()
    {
        var wait = FirstWait;
        var isFirst = true;
        EgressSpec? failed = null;
        while (true)
        {
            EgressSpec? desired;
            CancellationToken changed;
            TimeSpan stopBudget;
            lock (_lock)
            {
                if (_changed.IsCancellationRequested)
                {
                    _changed = new CancellationTokenSource();
                }

                desired = _desired;
                changed = _changed.Token;
                stopBudget = _stopBudget;
                if (desired is null && _running is null)
                {
                    _ended = true;
                }
            }

            if (_ended)
            {
                FirstStepDone(ref isFirst);
                return;
            }

            if (desired is null)
            {
                await StopAsync(stopBudget);
                continue;
            }

            var problem = await TryApplyAsync(desired, changed);
            FirstStepDone(ref isFirst);
            if (problem is null)
            {
                wait = FirstWait;
                failed = null;
            }
            else if (!changed.IsCancellationRequested)
            {
                wait = failed == desired ? (wait * 2 < LongestWait ? wait * 2 : LongestWait) : FirstWait;
                failed = desired;
                if (_running is null)
                {
                    _parts.Logger.EgressFailed(_uid, problem, wait);
                }
                else
                {
                    _parts.Logger.EgressChangeRefused(_uid, problem);
                }
            }

            await WaitForChangeAsync(problem is null, wait, changed);
        }
    }

    private void FirstStepDone(ref bool isFirst)
    {
        if (isFirst)
        {
            isFirst = false;
            _parts.Startup.End();
        }
    }

    private async Task WaitForChangeAsync(bool isApplied, TimeSpan untilRetry, CancellationToken changed)
    {
        // What did not work with a log that is outdated is tried again after a while, not at once.
        var outdated = isApplied && _running is { } running ? running.Lease.Outdated : CancellationToken.None;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(changed, outdated);
        try
        {
            await Task.Delay(isApplied ? Timeout.InfiniteTimeSpan : untilRetry, _parts.Time, either.Token);
        }
        catch (OperationCanceledException)
        {
            // There is something new.
        }
    }

    /// <summary>Brings the egress to a specification.</summary>
    /// <returns>What is wrong; null if it is served that way.</returns>
    private async Task<string?> TryApplyAsync(EgressSpec desired, CancellationToken changed)
    {
        try
        {
            await ApplyAsync(desired, changed);
            Report(EgressState.Running, null);
            return null;
        }
        catch (Exception failure)
        {
            // Whatever it is, it concerns this egress alone.
            var problem = failure is EgressException or LogConfigurationException or LogUnavailableException
                ? failure.Message
                : $"{failure.GetType().Name}: {failure.Message}";
            Report(EgressState.Failed, problem);
            return problem;
        }
    }

    private async Task ApplyAsync(EgressSpec desired, CancellationToken changed)
    {
        if (desired.Egress.ConsumerGroup.Length == 0)
        {
            throw new EgressException("It has no consumer group.");
        }

        if (desired.Resource.Topics.Count == 0)
        {
            throw new EgressException("Its resource has no topic.");
        }

        var settings = TriggerSettings.From(desired, _parts.Options, _parts.Connections, _parts.Metrics);
        if (_running is { } running)
        {
            if (desired.CanReplace(running.Trigger.Spec) && !running.Lease.Outdated.IsCancellationRequested)
            {
                running.Trigger.Change(desired, settings);
                _parts.Logger.EgressChanged(_uid);
                return;
            }
        }

        // The log first: while it cannot be opened, what runs goes on with the one that it has.
        var (site, lease) = await _sites.AcquireAsync(desired, changed);
        if (_running is not null)
        {
            await StopAsync(_parts.Options.HandOverBudget);
        }

        Report(EgressState.Starting, null);
        await StartAsync(desired, settings, site, lease, changed);
    }

    private async Task StartAsync(EgressSpec desired, TriggerSettings settings, LogSite site, LogLease lease, CancellationToken changed)
    {
        var group = desired.Egress.ConsumerGroup;
        var isClaimed = false;
        try
        {
            await site.ClaimGroupAsync(group, changed);
            isClaimed = true;
            var trigger = new Trigger(desired, settings, site, _parts);
            site.Add(trigger);
            Volatile.Write(ref _running, new Running(trigger, site, lease));
            _parts.Logger.EgressStarted(_uid, group, string.Join(", ", trigger.Topics));
        }
        catch
        {
            if (isClaimed)
            {
                site.ReleaseGroup(group);
            }

            await _sites.ReleaseAsync(site, lease);
            throw;
        }
    }

    private async Task StopAsync(TimeSpan budget)
    {
        if (_running is not { } running)
        {
            return;
        }

        Report(EgressState.Stopping, null);
        try
        {
            await running.Trigger.StopAsync(budget);
        }
        catch (Exception failure)
        {
            _parts.Logger.ContractNotApplied(failure);
        }

        running.Site.Remove(running.Trigger);
        running.Site.ReleaseGroup(running.Trigger.Spec.Egress.ConsumerGroup);
        Volatile.Write(ref _running, null);
        try
        {
            await _sites.ReleaseAsync(running.Site, running.Lease);
        }
        catch (Exception failure)
        {
            _parts.Logger.ContractNotApplied(failure);
        }

        _parts.Logger.EgressStopped(_uid);
    }

    private void Report(EgressState state, string? problem)
    {
        lock (_lock)
        {
            _state = state;
            _problem = problem;
        }
    }

    private sealed record Running(Trigger Trigger, LogSite Site, LogLease Lease);
}
