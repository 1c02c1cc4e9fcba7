using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;
using Brokkr.Testing;
using Microsoft.Data.Sqlite;

namespace Brokkr.Embedded.Tests;

/// <summary>Files and settings that cannot be used are refused with a sentence that says what to do.</summary>
public sealed class FileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Task<EmbeddedLog> OpenAsync() => EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = _folder.Path });

    private async Task ExecuteAsync(string sql)
    {
        await using var file = new SqliteConnection($"Data Source={_folder["brokkr.db"]};Pooling=False");
        await file.OpenAsync();
        await using var command = file.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    [Fact]
    public async Task A_file_of_a_later_version_is_refused_and_left_alone()
    {
        await (await OpenAsync()).DisposeAsync();
        await ExecuteAsync("PRAGMA user_version = 2");
        var error = await Assert.ThrowsAsync<LogConfigurationException>(OpenAsync);
        Assert.Contains(_folder.Path, error.Message);
        Assert.Contains("later Brokkr (format 2; this one knows 1)", error.Message);
        await ExecuteAsync("PRAGMA user_version = 1");
        await (await OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task A_file_of_another_program_is_refused_and_left_alone()
    {
        await ExecuteAsync("CREATE TABLE people (name TEXT)");
        var error = await Assert.ThrowsAsync<LogConfigurationException>(OpenAsync);
        Assert.Contains("something else than Brokkr", error.Message);
        await ExecuteAsync("INSERT INTO people VALUES ('still here')");
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused()
    {
        _folder.Write("brokkr.db", new string('x', 10_000));
        var error = await Assert.ThrowsAsync<LogConfigurationException>(OpenAsync);
        Assert.Contains(_folder["brokkr.db"], error.Message);
        Assert.Contains("damaged or no SQLite file", error.Message);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_named()
    {
        var path = Path.Combine(_folder.Write("file", "no folder"), "data");
        var error = await Assert.ThrowsAsync<LogConfigurationException>(() =>
            EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = path })
        );
        Assert.Contains(path, error.Message);
    }

    [Fact]
    public async Task A_failed_start_does_not_keep_the_folder()
    {
        _folder.Write("brokkr.db", new string('x', 10_000));
        await Assert.ThrowsAsync<LogConfigurationException>(OpenAsync);
        File.Delete(_folder["brokkr.db"]);
        await (await OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task Options_out_of_range_are_named()
    {
        var error = await Assert.ThrowsAsync<LogConfigurationException>(() =>
            EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = _folder.Path, QueueRecords = 0 })
        );
        Assert.Contains(nameof(EmbeddedLogOptions.QueueRecords), error.Message);
    }

    [Fact]
    public async Task Cursor_metadata_that_Kafka_would_refuse_is_refused()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("topic");
        var tooLong = new CursorPosition(1, new string('é', 2049));
        await Assert.ThrowsAsync<ArgumentException>(() =>
            log.Cursors.StoreAsync("group", [new(new TopicPartition("topic", 0), tooLong)], default)
        );
    }

    [Fact]
    public async Task Records_without_a_key_are_spread_over_all_partitions()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("topic", 5);
        var oneByOne = new List<int>();
        for (var i = 0; i < 10; i++)
        {
            oneByOne.Add((await log.AppendStoredAsync("topic", $"{i}")).Partition);
        }

        Assert.All(oneByOne.CountBy(partition => partition), count => Assert.Equal(2, count.Value));
        var atOnce = await Task.WhenAll(Enumerable.Range(0, 2000).Select(i => log.AppendStoredAsync("topic", $"{i}")));
        Assert.Equal(5, atOnce.Select(result => result.Partition).Distinct().Count());
    }

    [Fact]
    public async Task A_topic_may_take_larger_records_than_the_default()
    {
        await using var log = await OpenAsync();
        await log.CreateAsync("large", 1, ("max.message.bytes", "5000000"));
        await log.AppendStoredAsync("large", new string('x', 5_000_000));
        Assert.Equal(AppendOutcome.TooLarge, (await log.AppendAsync("large", new string('x', 5_000_001))).Outcome);
    }

    [Fact]
    public async Task Every_resource_gets_the_one_log_and_giving_it_back_does_not_close_it()
    {
        await using var log = await OpenAsync();
        var provider = new EmbeddedLogProvider(log);
        await using (var first = await provider.AcquireAsync(new Resource { BootstrapServers = "a:1" }, default))
        {
            await using var second = await provider.AcquireAsync(new Resource { BootstrapServers = "b:2" }, default);
            Assert.Same(log, first.Log);
            Assert.Same(log, second.Log);
        }

        Assert.True(await log.IsReachableAsync(default));
    }
}
