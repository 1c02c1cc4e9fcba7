using Brokkr.Core.Log;
using Brokkr.Kafka.Native;
using Brokkr.Kafka.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka.Clients;

/// <summary>
/// Membership in one ownership group. The client only takes part in the assignment: what it is assigned is paused at once and read by
/// <see cref="KafkaReaders"/>. Assignment is cooperative: partitions that stay are not disturbed.
/// </summary>
internal sealed class GroupMembership : IAsyncDisposable
{
    /// <summary>Bounds the time in which a missed wake-up would be noticed, and keeps the client within <c>max.poll.interval.ms</c>.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(5);

    private readonly string _group;
    private readonly IOwnershipListener _listener;
    private readonly SemaphoreSlim _oneCallAtATime;
    private readonly TimeSpan _budget;
    private readonly ILogger _logger;
    private readonly NativeClient _client;
    private readonly nint _queue;
    private readonly WakeUp _wakeUp = new();
    private readonly HashSet<TopicPartition> _owned = [];
    private readonly Task _loop;
    private volatile HashSet<string> _served = [];
    private volatile bool _closing;

    public unsafe GroupMembership(
        string group,
        IReadOnlyDictionary<string, string> settings,
        IOwnershipListener listener,
        SemaphoreSlim oneCallAtATime,
        TimeSpan budget,
        ILogger logger,
        BearerTokens? tokens = null
    )
    {
        _oneCallAtATime = oneCallAtATime;
        _group = group;
        _listener = listener;
        _budget = budget;
        _logger = logger;
        _client = NativeClient.Create(
            Rd.TypeConsumer,
            new Dictionary<string, string>(settings, StringComparer.Ordinal) { ["group.id"] = group },
            null,
            Rd.EventRebalance | Rd.EventError | Rd.EventFetch,
            logger,
            tokens
        );
        _ = Rd.PollSetConsumer(_client.Handle);
        _queue = Rd.QueueGetConsumer(_client.Handle);
        _wakeUp.Attach(_queue);
        _loop = RunAsync();
    }

    /// <summary>Sets the topics of this membership; at least one.</summary>
    public unsafe void Subscribe(IReadOnlyCollection<string> topics)
    {
        var list = Rd.PartitionListNew(topics.Count);
        foreach (var topic in topics)
        {
            const int anyPartition = -1;
            _ = Rd.PartitionListAdd(list, topic, anyPartition);
        }

        _served = topics.ToHashSet(StringComparer.Ordinal);
        var code = Rd.Subscribe(_client.Handle, list);
        Rd.PartitionListDestroy(list);
        if (code != ErrorCodes.None)
        {
            _logger.GroupError(_group, Rd.Describe(code));
        }
    }

    /// <summary>Gives up all partitions in an orderly way and leaves the group.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_closing)
        {
            _closing = true;
            (_, _) = Rd.Consume(Rd.ConsumerCloseQueue(_client.Handle, _queue));
            _wakeUp.Set();
        }

        await _loop;
        _wakeUp.Dispose();
        Rd.QueueDestroy(_queue);
        await _client.DisposeAsync();
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        using var timer = new PeriodicTimer(Tick);
        var tick = timer.WaitForNextTickAsync().AsTask();
        while (true)
        {
            for (var happened = Rd.QueuePoll(_queue, 0); happened != 0; happened = Rd.QueuePoll(_queue, 0))
            {
                try
                {
                    await HandleAsync(happened);
                }
                finally
                {
                    Rd.EventDestroy(happened);
                }
            }

            if (_closing && Rd.ConsumerClosed(_client.Handle) != 0)
            {
                return;
            }

            if (_closing)
            {
                // The end of closing is a state, not an event.
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
                continue;
            }

            using var cancel = new CancellationTokenSource();
            var wake = _wakeUp.WaitAsync(cancel.Token);
            if (await Task.WhenAny(wake, tick) == tick)
            {
                tick = timer.WaitForNextTickAsync().AsTask();
                await cancel.CancelAsync();
            }
        }
    }

    private async ValueTask HandleAsync(nint happened)
    {
        switch (Rd.EventType(happened))
        {
            case Rd.EventRebalance when Rd.EventErrorCode(happened) == ErrorCodes.AssignPartitions:
                if (Assign(happened) is { Count: > 0 } gained)
                {
                    await TellAsync(() =>
                    {
                        _listener.Gained(gained);
                        return Task.CompletedTask;
                    });
                }

                break;
            case Rd.EventRebalance:
                await RevokeAsync(happened);
                break;
            case Rd.EventError:
                LogError(happened);
                break;
            default:
                // Records that were fetched before the pause took effect.
                break;
        }
    }

    private unsafe List<TopicPartition> Assign(nint happened)
    {
        var list = Rd.EventPartitions(happened);
        var gained = Partitions(list);
        for (var i = 0; i < list->Count; i++)
        {
            const long end = -1;
            list->Entries[i].Offset = end;
        }

        var (code, text) = Rd.Consume(Rd.IncrementalAssign(_client.Handle, list));
        if (code != ErrorCodes.None)
        {
            _logger.GroupError(_group, text);
            return [];
        }

        if (gained.Count == 0)
        {
            return gained;
        }

        _ = Rd.Pause(_client.Handle, list);
        _owned.UnionWith(gained);
        _logger.Gained(_group, gained.Count);
        return gained;
    }

    private async ValueTask RevokeAsync(nint happened)
    {
        var going = Going(happened);

        // The client calls an assignment lost too when this process itself gave up its topics; those are still its own until they are unassigned.
        if (going.Exists(partition => _served.Contains(partition.Topic)) && Rd.AssignmentLost(_client.Handle) != 0)
        {
            _logger.LostWithoutNotice(_group, going.Count);
            await TellAsync(() =>
            {
                _listener.Lost(going);
                return Task.CompletedTask;
            });
        }
        else if (going.Count > 0)
        {
            _logger.Losing(_group, going.Count);
            using var budget = new CancellationTokenSource(_budget);
            await TellAsync(() => _listener.LosingAsync(going, budget.Token));
        }

        _owned.ExceptWith(going);
        Unassign(happened);
    }

    private unsafe List<TopicPartition> Going(nint happened) => Partitions(Rd.EventPartitions(happened)).FindAll(_owned.Contains);

    private unsafe void Unassign(nint happened)
    {
        var (code, text) = Rd.Consume(Rd.IncrementalUnassign(_client.Handle, Rd.EventPartitions(happened)));
        if (code != ErrorCodes.None)
        {
            _logger.GroupError(_group, text);
        }
    }

    private unsafe void LogError(nint happened)
    {
        var code = Rd.EventErrorCode(happened);
        if (code is not (ErrorCodes.AllBrokersDown or ErrorCodes.Transport or ErrorCodes.AutoOffsetReset))
        {
            _logger.GroupError(_group, Rd.Text(Rd.EventErrorString(happened)));
        }
    }

    private async Task TellAsync(Func<Task> call)
    {
        await _oneCallAtATime.WaitAsync();
        try
        {
            await call();
        }
        catch (Exception exception)
        {
            // The assignment goes on in any case; what was not stored is delivered again by the next owner.
            _logger.HandOverFailed(exception, _group);
        }
        finally
        {
            _oneCallAtATime.Release();
        }
    }

    private static unsafe List<TopicPartition> Partitions(PartitionList* list)
    {
        var result = new List<TopicPartition>(list->Count);
        for (var i = 0; i < list->Count; i++)
        {
            result.Add(new TopicPartition(Rd.Text(list->Entries[i].Topic), list->Entries[i].Partition));
        }

        return result;
    }
}
