using System.Text;
using Brokkr.Core.Log;
using Brokkr.Receiver.Http;
using Brokkr.Receiver.Routing;
using Brokkr.Testing;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Receiver.Tests;

/// <summary>The parts that can be had without a server.</summary>
public sealed class PartsTests
{
    private static readonly AppendResult Stored = new(AppendOutcome.Stored, 3, 7, null);

    [Theory]
    [InlineData("/a/b", "/a/b")]
    [InlineData("/a/b?c=/d", "/a/b")]
    [InlineData("/a/b#c", "/a/b#c")]
    [InlineData("//a", "//a")]
    [InlineData("http://h/a", "/a")]
    [InlineData("https://h:1/a?b", "/a")]
    [InlineData("http://h", "/")]
    [InlineData("http://h?a=/b", "/")]
    [InlineData("*", "*")]
    [InlineData("h:80", "h:80")]
    [InlineData("", "")]
    public void The_path_of_a_target_is_taken_as_it_is(string target, string path) =>
        Assert.Equal(path, RequestTarget.PathOf(target).ToString());

    [Fact]
    public void The_path_of_an_absolute_target_is_that_of_its_relative_one() =>
        Gen.Char["ab/?#:%."]
            .Array[0, 12]
            .Select(chars => "/" + new string(chars))
            .Sample(path => RequestTarget.PathOf("http://host.test:80" + path).SequenceEqual(RequestTarget.PathOf(path)));

    [Fact]
    public void A_continued_trace_keeps_its_id_and_flags_and_no_text_makes_it_throw()
    {
        Gen.Select(Gen.Byte.Array[16].Where(id => id.Any(b => b != 0)), Gen.ULong[1, ulong.MaxValue], Gen.Byte)
            .Sample(
                (id, span, flags) =>
                {
                    var header = $"00-{Convert.ToHexStringLower(id)}-{span:x16}-{flags:x2}";
                    Span<byte> output = stackalloc byte[TraceContext.Length];
                    Assert.True(TraceContext.TryContinue(header, output));
                    var text = Encoding.ASCII.GetString(output);
                    Assert.Equal(header[..36], text[..36]);
                    Assert.Equal(header[52..], text[52..]);
                    Assert.Matches("^[0-9a-f]{16}$", text[36..52]);
                    Assert.NotEqual(header[36..52], text[36..52]);
                }
            );
        Gen.Char["0123456789abcdef-ghA "]
            .Array[0, 70]
            .Sample(chars =>
            {
                Span<byte> output = stackalloc byte[TraceContext.Length];
                TraceContext.TryContinue(new string(chars), output);
            });
    }

    [Fact]
    public async Task A_wait_gives_the_result_of_the_append()
    {
        using var deadlines = new Deadlines(new FakeTimeProvider());
        var waits = new AppendWait.Pool(deadlines, TimeSpan.FromSeconds(10));
        Assert.Equal(Stored, await waits.WaitAsync(new ValueTask<AppendResult>(Stored)));
        for (var i = 0; i < 100; i++)
        {
            var append = new TaskCompletionSource<AppendResult>(TaskCreationOptions.RunContinuationsAsynchronously);
            var wait = waits.WaitAsync(new ValueTask<AppendResult>(append.Task)).AsTask();
            Assert.False(wait.IsCompleted);
            var result = Stored with { Offset = i };
            append.SetResult(result);
            Assert.Equal(result, await Eventually.Completes(wait, "the result"));
        }
    }

    [Fact]
    public async Task A_wait_ends_at_its_deadline_and_not_before()
    {
        var time = new FakeTimeProvider();
        using var deadlines = new Deadlines(time);
        var waits = new AppendWait.Pool(deadlines, TimeSpan.FromSeconds(10));
        var append = new TaskCompletionSource<AppendResult>();
        var wait = waits.WaitAsync(new ValueTask<AppendResult>(append.Task)).AsTask();
        time.Advance(TimeSpan.FromSeconds(9.5));
        Assert.False(wait.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(AppendOutcome.RetryLater, (await Eventually.Completes(wait, "the deadline")).Outcome);

        // Another wait begins before the late result comes; each gets its own.
        var other = new TaskCompletionSource<AppendResult>();
        var next = waits.WaitAsync(new ValueTask<AppendResult>(other.Task)).AsTask();
        append.SetResult(Stored);
        Assert.False(next.IsCompleted);
        other.SetResult(Stored with { Offset = 8 });
        Assert.Equal(8, (await Eventually.Completes(next, "the result")).Offset);
    }

    [Fact]
    public async Task A_wait_that_is_used_again_long_after_does_not_end_at_its_old_deadline()
    {
        var time = new FakeTimeProvider();
        using var deadlines = new Deadlines(time);
        var waits = new AppendWait.Pool(deadlines, TimeSpan.FromSeconds(10));
        var first = new TaskCompletionSource<AppendResult>();
        var wait = waits.WaitAsync(new ValueTask<AppendResult>(first.Task)).AsTask();
        first.SetResult(Stored);
        await Eventually.Completes(wait, "the result");
        time.Advance(TimeSpan.FromSeconds(9));
        var second = new TaskCompletionSource<AppendResult>();
        wait = waits.WaitAsync(new ValueTask<AppendResult>(second.Task)).AsTask();
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(wait.IsCompleted);
        deadlines.ExpireAll();
        Assert.Equal(AppendOutcome.RetryLater, (await Eventually.Completes(wait, "the end")).Outcome);
    }

    [Fact]
    public void Bytes_in_flight_never_exceed_the_limit_and_come_back()
    {
        Gen.Int[0, 100]
            .Array[0, 50]
            .Sample(sizes =>
            {
                var bytes = new InFlightBytes(200);
                var taken = sizes.Where(size => bytes.TryTake(size)).ToList();
                Assert.Equal(taken.Sum(), bytes.Taken);
                Assert.InRange(bytes.Taken, 0, 200);
                taken.ForEach(size => bytes.Give(size));
                Assert.Equal(0, bytes.Taken);
            });
    }

    [Fact]
    public void A_retired_log_is_given_back_once_when_its_last_user_leaves()
    {
        Gen.Int[0, 2]
            .Array[0, 30]
            .Sample(steps =>
            {
                var released = 0;
                var log = new SharedLog(
                    new LogLease(
                        null!,
                        () =>
                        {
                            Interlocked.Increment(ref released);
                            return ValueTask.CompletedTask;
                        }
                    ),
                    Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance
                );
                var users = 0;
                var retired = false;
                foreach (var step in steps)
                {
                    switch (step)
                    {
                        case 0:
                            Assert.Equal(!retired, log.TryEnter());
                            users += retired ? 0 : 1;
                            break;
                        case 1 when users > 0:
                            log.Exit();
                            users--;
                            break;
                        case 2:
                            log.Retire();
                            retired = true;
                            break;
                    }

                    Assert.True(released == 0 || (retired && users == 0));
                }

                log.Retire();
                for (; users > 0; users--)
                {
                    log.Exit();
                }

                log.Released.WaitAsync(Eventually.Deadline, TimeProvider.System).GetAwaiter().GetResult();
                Assert.Equal(1, released);
            });
    }
}
