using System.Diagnostics;
using Brokkr.Core.Log;
using Brokkr.Embedded.Writing;
using Brokkr.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Embedded.Tests;

/// <summary>A disk that is full, broken or slow: everybody is answered, the process lives, and it works again when the disk does.</summary>
public sealed class DiskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Task<EmbeddedLog> OpenAsync(TimeProvider? time = null, Func<EmbeddedLogOptions, EmbeddedLogOptions>? change = null)
    {
        var options = new EmbeddedLogOptions { Folder = _folder.Path };
        return EmbeddedLog.OpenAsync(change?.Invoke(options) ?? options, time);
    }

    [Fact]
    public async Task A_full_file_is_retry_later_until_there_is_room()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("topic");
        await log.AppendStoredAsync("topic", "first");
        await log.WriterThread.WriteAsync(new Act(session => session.Database.Execute("PRAGMA max_page_count = 1")), default);
        // SQLite does not go below what the file has.
        AppendResult result;
        do
        {
            result = await log.AppendAsync("topic", new string('x', 3000));
        } while (result.Outcome == AppendOutcome.Stored);

        Assert.Equal(AppendOutcome.RetryLater, result.Outcome);
        Assert.Contains("full", result.Error);
        Assert.False(await log.IsReachableAsync(default));
        await log.WriterThread.WriteAsync(new Act(session => session.Database.Execute("PRAGMA max_page_count = 1000000")), default);
        Assert.True(await log.IsReachableAsync(default));
        var (_, end) = await log.BoundsAsync("topic");
        Assert.Equal(end, (await log.AppendStoredAsync("topic", "last")).Offset);
        var values = await log.ReadToEndAsync("topic");
        Assert.Equal(end + 1, values.Count);
        Assert.Equal(("first", "last"), (values[0], values[^1]));
    }

    [Fact]
    public async Task A_full_disk_is_retry_later_until_there_is_room()
    {
        using var disk = SmallDisk.Mount(_folder["disk"], megabytes: 16);
        string[] ballast = [.. Enumerable.Range(0, 3).Select(i => Path.Combine(disk.Path, $"ballast-{i}"))];
        foreach (var file in ballast)
        {
            await File.WriteAllBytesAsync(file, new byte[3_000_000]);
        }

        await using var log = await EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = Path.Combine(disk.Path, "data") });
        await log.CreateAsync("topic");
        var acknowledged = new List<int>();
        var next = 0;
        foreach (var file in ballast)
        {
            AppendResult result;
            do
            {
                result = await log.AppendAsync("topic", $"{next} {new string('x', 30_000)}");
                if (result.Outcome == AppendOutcome.Stored)
                {
                    acknowledged.Add(next);
                }
            } while (result.Outcome == AppendOutcome.Stored && next++ < 1000);

            Assert.Equal(AppendOutcome.RetryLater, result.Outcome);
            File.Delete(file);
            await Eventually.True(() => log.IsReachableAsync(default), "the log is reachable again");
            next++;
            Assert.Equal(acknowledged, (await log.ReadToEndAsync("topic")).Select(value => int.Parse(value.Split(' ')[0])));
        }

        await log.AppendStoredAsync("topic", "there is room");
    }

    [Theory]
    [InlineData(SQLitePCL.raw.SQLITE_IOERR)]
    [InlineData(SQLitePCL.raw.SQLITE_READONLY)]
    [InlineData(SQLitePCL.raw.SQLITE_CORRUPT)]
    public async Task After_an_error_of_the_disk_the_file_is_opened_again_and_nothing_is_half_written(int error)
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("topic");
        await log.AppendStoredAsync("topic", "before");
        using (var stalled = await Stall.BeginAsync(log))
        {
            // All of them share the transaction that fails.
            var appends = Enumerable.Range(0, 10).Select(i => log.AppendAsync("topic", $"lost {i}")).ToList();
            var failing = log.WriterThread.WriteAsync(new Act(_ => throw new SqliteException("the disk is broken", error)), default);
            stalled.End();
            Assert.All(
                await Task.WhenAll(appends),
                result =>
                {
                    Assert.Equal(AppendOutcome.RetryLater, result.Outcome);
                    Assert.Contains("the disk is broken", result.Error);
                }
            );
            await Assert.ThrowsAsync<LogUnavailableException>(() => failing);
        }

        Assert.Equal(1, (await log.AppendStoredAsync("topic", "after")).Offset);
        Assert.Equal(["before", "after"], await log.ReadToEndAsync("topic"));
        Assert.True(await log.IsReachableAsync(default));
    }

    [Fact]
    public async Task A_bug_in_one_operation_does_not_end_the_writer()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("topic");
        await Assert.ThrowsAsync<LogUnavailableException>(() =>
            log.WriterThread.WriteAsync(new Act(_ => throw new InvalidOperationException("bug")), default)
        );
        await log.AppendStoredAsync("topic", "after");
    }

    [Fact]
    public async Task What_a_stalled_disk_does_not_confirm_is_answered_at_the_deadline()
    {
        var time = new FakeTimeProvider();
        await using var log = await OpenAsync(time, options => options with { Deadline = TimeSpan.FromSeconds(30) });
        await log.CreateAsync("topic");
        using var stalled = await Stall.BeginAsync(log);
        var append = log.AppendAsync("topic", "late");
        var store = log.Cursors.StoreAsync("group", [new(new TopicPartition("topic", 0), new CursorPosition(1, ""))], default);
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(append.IsCompleted);
        Assert.False(store.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(5));
        var result = await append;
        Assert.Equal((AppendOutcome.RetryLater, -1, -1L), (result.Outcome, result.Partition, result.Offset));
        await Assert.ThrowsAsync<LogUnavailableException>(() => store);
        stalled.End();
        // The abandoned append was not begun, and its place in the pool is good for others.
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(i, (await log.AppendStoredAsync("topic", $"{i}")).Offset);
        }
    }

    [Fact]
    public async Task A_full_queue_is_retry_later_at_once()
    {
        await using var log = await OpenAsync(change: options => options with { QueueRecords = 5 });
        await log.CreateAsync("topic");
        List<Task<AppendResult>> accepted;
        using (var stalled = await Stall.BeginAsync(log))
        {
            accepted = [.. Enumerable.Range(0, 5).Select(i => log.AppendAsync("topic", $"{i}"))];
            var refused = await log.AppendAsync("topic", "one too many");
            Assert.Equal(AppendOutcome.RetryLater, refused.Outcome);
            Assert.False(string.IsNullOrEmpty(refused.Error));
            Assert.All(accepted, append => Assert.False(append.IsCompleted));
        }

        Assert.All(await Task.WhenAll(accepted), result => Assert.Equal(AppendOutcome.Stored, result.Outcome));
        await log.AppendStoredAsync("topic", "5");
        Assert.Equal(["0", "1", "2", "3", "4", "5"], await log.ReadToEndAsync("topic"));
    }

    [Fact]
    public async Task The_queue_is_bounded_in_bytes_too_but_one_record_always_fits()
    {
        await using var log = await OpenAsync(change: options => options with { QueueBytes = 10_000 });
        await log.CreateAsync("topic");
        using var stalled = await Stall.BeginAsync(log);
        var large = log.AppendAsync("topic", new string('x', 50_000));
        Assert.Equal(AppendOutcome.RetryLater, (await log.AppendAsync("topic", "small")).Outcome);
        stalled.End();
        Assert.Equal(AppendOutcome.Stored, (await large).Outcome);
        await log.AppendStoredAsync("topic", "small");
    }

    [Fact]
    public async Task Closing_writes_what_waits_and_refuses_what_comes_later()
    {
        var log = await OpenAsync();
        await log.CreateAsync("topic");
        var reader = await log.Readers.OpenAsync(new TopicPartition("topic", 0), 1_000_000, ReadPurpose.Feed, default);
        var waiting = reader.ReadAsync([], 1000, default).AsTask();
        var stalled = await Stall.BeginAsync(log);
        var append = log.AppendAsync("topic", "in time");
        var closing = log.DisposeAsync().AsTask();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        stalled.Dispose();
        Assert.Equal(AppendOutcome.Stored, (await append).Outcome);
        await closing;
        Assert.Equal(AppendOutcome.RetryLater, (await log.AppendAsync("topic", "late")).Outcome);
        Assert.False(await log.IsReachableAsync(default));
        await using var again = await OpenAsync();
        Assert.Equal(["in time"], await again.ReadToEndAsync("topic"));
    }

    [Fact]
    public async Task What_is_acknowledged_has_been_flushed()
    {
        await using var log = await OpenAsync();
        long synchronous = 0;
        await log.WriterThread.WriteAsync(new Act(session => synchronous = session.Database.Scalar("PRAGMA synchronous")), default);
        Assert.Equal(2, synchronous);
    }
}

/// <summary>Something that a test does on the writer thread, within a transaction.</summary>
internal sealed class Act(Action<WriteSession> action) : PendingWork<bool>
{
    public override void Apply(WriteSession session) => action(session);

    protected override bool Show() => true;
}

/// <summary>Keeps the writer thread busy, as a disk does that does not answer.</summary>
internal sealed class Stall : IDisposable
{
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _end = new();

    private Stall() { }

    public static async Task<Stall> BeginAsync(EmbeddedLog log)
    {
        var stall = new Stall();
        Assert.True(
            log.WriterThread.Queue.TryAdd(
                new Act(_ =>
                {
                    stall._begun.SetResult();
                    stall._end.Wait();
                })
            )
        );
        await stall._begun.Task;
        return stall;
    }

    public void End() => _end.Set();

    public void Dispose() => _end.Set();
}

/// <summary>A file system of a few megabytes; needs the right to mount one.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string path) => Path = path;

    public string Path { get; }

    public static SmallDisk Mount(string path, int megabytes)
    {
        Directory.CreateDirectory(path);
        try
        {
            using var mount = Process.Start(
                new ProcessStartInfo("mount", ["-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", path])
                {
                    RedirectStandardError = true,
                    UseShellExecute = false,
                }
            )!;
            var error = mount.StandardError.ReadToEnd();
            mount.WaitForExit();
            if (mount.ExitCode != 0)
            {
                Assert.Skip($"a small disk cannot be mounted here: {error.Trim()}");
            }
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Assert.Skip($"a small disk cannot be mounted here: {e.Message}");
        }

        return new SmallDisk(path);
    }

    public void Dispose()
    {
        using var unmount = Process.Start("umount", [Path]);
        unmount.WaitForExit();
    }
}
