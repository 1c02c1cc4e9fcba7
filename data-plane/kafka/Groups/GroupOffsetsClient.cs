using System.Collections.Concurrent;
using Brokkr.Core.Log;
using Brokkr.Kafka.Native;
using Brokkr.Kafka.Tokens;
using Microsoft.Extensions.Logging;

namespace Brokkr.Kafka.Groups;

/// <summary>
/// Positions of consumer groups as Kafka's own committed offsets, read and written without joining the groups, so lag tools and a move from or back to
/// another dispatcher work on the same offsets. It speaks the protocol itself: librdkafka 2.16 ends the whole process when a broker is lost at the
/// wrong moment of such a request.
/// </summary>
internal sealed class GroupOffsetsClient : ICursorStore, IAsyncDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>After this a topic that the coordinator does not know does not exist.</summary>
    private static readonly TimeSpan TopicPropagation = TimeSpan.FromSeconds(3);

    private readonly ConnectionSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly BrokerConnections _connections;
    private readonly ConcurrentDictionary<string, BrokerAddress> _coordinators = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open;
    private bool _disposed;

    /// <summary>Prepares the client; connects with the first request.</summary>
    /// <param name="settings">By librdkafka's names; values may be secrets and are not logged.</param>
    /// <param name="requestTimeout">Deadline of one request with all its attempts.</param>
    /// <param name="logger">Gets what happens to the connections.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <param name="tokens">What it logs in with, for mechanism OAUTHBEARER.</param>
    /// <exception cref="LogConfigurationException">A setting cannot be used; the message names it.</exception>
    public GroupOffsetsClient(
        IReadOnlyDictionary<string, string> settings,
        TimeSpan requestTimeout,
        ILogger logger,
        TimeProvider? time = null,
        BearerTokens? tokens = null
    )
    {
        _settings = ConnectionSettings.Read(settings, requestTimeout, tokens);
        _time = time ?? TimeProvider.System;
        _logger = logger;
        _connections = new BrokerConnections(_settings, _time, logger);
    }

    /// <summary>Connects to any broker and logs in there, unless there is a connection.</summary>
    /// <exception cref="ConnectionLostException">None can be reached now.</exception>
    /// <exception cref="LogUnavailableException">A broker refuses us, or we the broker; the message says why.</exception>
    public Task ConnectAsync() => _connections.GetAnyAsync();

    public async Task<IReadOnlyDictionary<int, CursorPosition>> LoadAsync(string group, string topic, CancellationToken cancellation)
    {
        var answer = await AskAsync(group, new OffsetFetchRequest(group, topic, null), cancellation);
        if (answer is { Error: ErrorCodes.None, Value.Count: 0 })
        {
            // Nothing there, or nothing that these credentials may see: asked by number, the broker says which.
            var (error, count, where) = await AskAsync(group, new PartitionCountRequest(topic), cancellation);
            if (error != ErrorCodes.None)
            {
                throw GroupErrors.Exception(group, error, where);
            }

            if (count > 0)
            {
                answer = await AskAsync(group, new OffsetFetchRequest(group, topic, count), cancellation);
            }
        }

        return answer.Error switch
        {
            ErrorCodes.None => answer.Value!,
            ErrorCodes.GroupNotFound => new Dictionary<int, CursorPosition>(),
            _ => throw GroupErrors.Exception(group, answer.Error, answer.Where),
        };
    }

    public async Task StoreAsync(
        string group,
        IReadOnlyCollection<KeyValuePair<TopicPartition, CursorPosition>> positions,
        CancellationToken cancellation
    )
    {
        if (positions.Count == 0)
        {
            return;
        }

        var answer = await AskAsync(group, new OffsetCommitRequest(group, positions), cancellation);
        if (answer.Error != ErrorCodes.None)
        {
            throw GroupErrors.Exception(group, answer.Error, answer.Where);
        }
    }

    public async Task DeleteAsync(string group, CancellationToken cancellation)
    {
        var answer = await AskAsync(group, new DeleteGroupsRequest(group), cancellation);
        if (answer.Error is not (ErrorCodes.None or ErrorCodes.GroupNotFound))
        {
            throw GroupErrors.Exception(group, answer.Error, answer.Where);
        }

        _coordinators.TryRemove(group, out _);
    }

    /// <summary>Waits for what was asked, at most until its deadline, then closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            if (_open == 0)
            {
                _done.TrySetResult();
            }
        }

        await _done.Task;
        await _connections.DisposeAsync();
    }

    private async Task<GroupAnswer<T>> AskAsync<T>(string group, Request<GroupAnswer<T>> request, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _open++;
        }

        // Whoever gives up waiting does not end the request: half a frame would cost all others their connection.
        return await AskToTheEndAsync(group, request).WaitAsync(cancellation);
    }

    private async Task<GroupAnswer<T>> AskToTheEndAsync<T>(string group, Request<GroupAnswer<T>> request)
    {
        using var deadline = new CancellationTokenSource(_settings.RequestTimeout, _time);
        var started = _time.GetTimestamp();
        var problem = "no answer";
        Exception? cause = null;
        try
        {
            for (var pause = ShortestPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
            {
                try
                {
                    var answer = await AttemptAsync(group, request, deadline.Token);
                    if (
                        !GroupErrors.Passes(answer.Error)
                        || (answer.Error == ErrorCodes.UnknownTopicOrPartition && _time.GetElapsedTime(started) > TopicPropagation)
                    )
                    {
                        return answer;
                    }

                    problem = GroupErrors.Describe(group, answer.Error, answer.Where);
                    cause = null;
                    if (GroupErrors.IsElsewhere(answer.Error))
                    {
                        _coordinators.TryRemove(group, out _);
                    }
                }
                catch (ConnectionLostException exception)
                {
                    problem = exception.Message;
                    cause = exception;
                    _coordinators.TryRemove(group, out _);
                }

                _logger.GroupAskedAgain(group, problem);

                // Hundreds of groups lose their connection in the same moment and should not come back in the same moment.
                await Task.Delay(pause * (0.75 + (Random.Shared.NextDouble() / 2)), _time, deadline.Token);
            }
        }
        catch (OperationCanceledException)
        {
            throw new LogUnavailableException(
                $"group {group}: Kafka did not answer within {_settings.RequestTimeout.TotalSeconds:0.#} s: {problem}",
                cause ?? new TimeoutException()
            );
        }
        finally
        {
            Finished();
        }
    }

    private async Task<GroupAnswer<T>> AttemptAsync<T>(string group, Request<GroupAnswer<T>> request, CancellationToken deadline)
    {
        if (!_coordinators.TryGetValue(group, out var address))
        {
            var any = await _connections.GetAnyAsync().WaitAsync(deadline);
            var found = await any.SendAsync(new FindCoordinatorRequest(group)).WaitAsync(deadline);
            if (found.Error != ErrorCodes.None)
            {
                return new GroupAnswer<T>(found.Error, default);
            }

            address = found.Value;
            _coordinators[group] = address;
            _logger.CoordinatorFound(group, address.ToString());
        }

        var connection = await _connections.GetAsync(address).WaitAsync(deadline);
        return await connection.SendAsync(request).WaitAsync(deadline);
    }

    private void Finished()
    {
        lock (_lock)
        {
            if (--_open == 0 && _disposed)
            {
                _done.TrySetResult();
            }
        }
    }
}
