using System.Collections.Concurrent;
using Brokkr.Core.Log;
using Brokkr.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Embedded.Tests;

/// <summary>What ownership means where one process has everything.</summary>
public sealed class OwnershipTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    private Task<EmbeddedLog> OpenAsync() => EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = _folder.Path }, _time);

    [Fact]
    public async Task A_topic_that_is_made_anew_is_lost_and_gained()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("topic");
        var listener = new Listener();
        await using var ownership = log.Join(listener);
        ownership.Serve(["topic"]);
        await Eventually.True(() => listener.Said.Count == 1, "the topic is gained");
        await log.Topics.DeleteAsync("topic", default);
        await log.CreateAsync("topic", 2);
        await Eventually.True(() => listener.Said.Count == 4, "the topic is lost and gained");
        Assert.Equal(["+topic[0]", "!topic[0]", "+topic[0]", "+topic[1]"], listener.Said);
    }

    [Fact]
    public async Task Everybody_who_joins_has_all_partitions()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("topic", 2);
        var first = new Listener();
        var second = new Listener();
        await using var one = log.Join(first);
        await using var two = log.Join(second);
        one.Serve(["topic"]);
        two.Serve(["topic"]);
        await Eventually.True(() => first.Said.Count == 2 && second.Said.Count == 2, "both have both");
    }

    [Fact]
    public async Task A_listener_that_does_not_let_go_is_left_behind_after_the_budget()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("topic");
        var listener = new Listener { Losing = new TaskCompletionSource() };
        var ownership = log.Join(listener);
        ownership.Serve(["topic"]);
        await Eventually.True(() => listener.Said.Contains("+topic[0]"), "the topic is gained");
        var closing = ownership.DisposeAsync().AsTask();
        await Eventually.True(() => listener.Said.Contains("-topic[0]"), "the listener was asked");
        _time.Advance(TimeSpan.FromSeconds(19));
        Assert.False(closing.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        await Eventually.Completes(closing, "the ownership is given up");
        Assert.True(listener.Budget.IsCancellationRequested);
    }

    [Fact]
    public async Task A_listener_that_throws_does_not_end_the_ownership()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("first");
        await log.CreateAsync("second");
        var listener = new Listener { Throws = true };
        await using var ownership = log.Join(listener);
        ownership.Serve(["first"]);
        await Eventually.True(() => listener.Said.Contains("+first[0]"), "the first is gained");
        ownership.Serve(["first", "second"]);
        await Eventually.True(() => listener.Said.Contains("+second[0]"), "the second is gained");
    }

    private sealed class Listener : IOwnershipListener
    {
        public ConcurrentQueue<string> Said { get; } = new();

        public TaskCompletionSource? Losing { get; init; }

        public bool Throws { get; init; }

        public CancellationToken Budget { get; private set; }

        public void Gained(IReadOnlyList<TopicPartition> partitions) => Say('+', partitions);

        public Task LosingAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken budget)
        {
            Budget = budget;
            Say('-', partitions);
            return Losing?.Task ?? Task.CompletedTask;
        }

        public void Lost(IReadOnlyList<TopicPartition> partitions) => Say('!', partitions);

        private void Say(char what, IReadOnlyList<TopicPartition> partitions)
        {
            foreach (var partition in partitions)
            {
                Said.Enqueue($"{what}{partition}");
            }

            if (Throws)
            {
                throw new InvalidOperationException("a bug in the listener");
            }
        }
    }
}
