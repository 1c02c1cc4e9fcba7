using System.Collections.Concurrent;
using Brokkr.Core.Configuration;
using Brokkr.Core.Contract;
using Brokkr.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Brokkr.Core.Tests.Contract;

/// <summary>receiver-and-core §3.6: file watching and generation.</summary>
public sealed class ContractFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_contract_that_is_there_is_in_force_at_once()
    {
        Put(1, "a");
        await using var file = Open();
        Assert.Equal("a", Uids(file));
    }

    [Fact]
    public async Task A_missing_file_is_nothing_until_it_comes()
    {
        await using var file = Open();
        Assert.Null(file.Current);
        Put(1, "a");
        await Shows(file, "a");
    }

    [Fact]
    public async Task An_empty_file_at_the_start_is_a_contract_without_resources()
    {
        _folder.Write("data", "");
        await using var file = Open();
        Assert.Equal(new Core.Contract.Wire.Contract(), file.Current);
        // Its generation is not remembered: 0 is new.
        _folder.Write("data", """{"resources":[{"uid":"a"}]}""");
        await Shows(file, "a");
    }

    [Fact]
    public async Task An_invalid_file_at_the_start_is_nothing()
    {
        _folder.Write("data", "{");
        await using var file = Open();
        Assert.Null(file.Current);
    }

    [Fact]
    public async Task A_broken_version_is_said_once_however_often_it_is_looked_at()
    {
        const int invalid = 1011;
        var log = new RememberedLog();
        Put(1, "a");
        await using var file = new ContractFile(_folder["data"], _time, log);
        _folder.Write("data", "{");
        await StillShows(file, "a");
        Assert.Single(log.Of(invalid));

        // Something else changes in the folder, so that every file is read again.
        for (var i = 0; i < 3; i++)
        {
            _folder.Write($"other-{i}", "");
            await StillShows(file, "a");
        }

        Assert.Single(log.Of(invalid));
        _folder.Write("data", "{{");
        await StillShows(file, "a");
        Assert.Equal(2, log.Of(invalid).Count());
    }

    [Fact]
    public void A_missing_folder_is_a_configuration_error()
    {
        var error = Assert.Throws<ConfigurationException>(() => new ContractFile("/nonexistent/dir/data", _time, NullLogger.Instance));
        Assert.Contains("/nonexistent/dir", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replacement_by_rename_is_noticed()
    {
        Put(1, "a");
        await using var file = Open();
        Put(2, "a b");
        await Shows(file, "a b");
    }

    [Fact]
    public async Task Rewriting_in_place_is_noticed()
    {
        Put(1, "a");
        await using var file = Open();
        await File.WriteAllTextAsync(_folder["data"], Json(2, "a b"), TestContext.Current.CancellationToken);
        await Shows(file, "a b");
    }

    [Fact]
    public async Task The_symlink_swap_of_the_kubelet_is_noticed()
    {
        _folder.Write("..1/data", Json(1, "a"));
        Directory.CreateSymbolicLink(_folder["..data"], "..1");
        File.CreateSymbolicLink(_folder["data"], "..data/data");
        await using var file = Open();
        Assert.Equal("a", Uids(file));

        _folder.Write("..2/data", Json(2, "b"));
        Directory.CreateSymbolicLink(_folder["..data_tmp"], "..2");
        Rename(_folder["..data_tmp"], _folder["..data"]);
        await Shows(file, "b");
    }

    [Fact]
    public async Task A_deleted_file_keeps_the_last_contract()
    {
        Put(1, "a");
        await using var file = Open();
        File.Delete(_folder["data"]);
        await StillShows(file, "a");
        Put(2, "b");
        await Shows(file, "b");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"generation":"9","resources":[{"uid":5,"topics":"x"}]}""")]
    [InlineData("""{"generation":"-1","resources":[]}""")]
    public async Task What_cannot_be_read_keeps_the_last_contract_and_the_generation(string bad)
    {
        Put(1, "a");
        await using var file = Open();
        _folder.Write("data", bad);
        await StillShows(file, "a");
        Put(1, "b");
        await StillShows(file, "a");
        Put(2, "c");
        await Shows(file, "c");
    }

    [Fact]
    public async Task An_equal_generation_changes_nothing_and_a_smaller_one_does()
    {
        Put(5, "a");
        await using var file = Open();
        Put(5, "b");
        await StillShows(file, "a");
        Put(3, "c");
        await Shows(file, "c");
    }

    [Fact]
    public async Task An_absent_generation_is_applied_once()
    {
        Put(5, "a");
        await using var file = Open();
        _folder.Write("data", """{"resources":[{"uid":"b"}]}""");
        await Shows(file, "b");
        _folder.Write("data", """{"resources":[{"uid":"c"}]}""");
        await StillShows(file, "b");
    }

    [Fact]
    public async Task An_empty_object_removes_everything()
    {
        Put(5, "a");
        await using var file = Open();
        _folder.Write("data", "{}");
        await Shows(file, "");
    }

    [Fact]
    public async Task Subscribers_get_the_contract_in_force_and_then_every_newer_one_until_they_leave()
    {
        Put(1, "a");
        await using var file = Open();
        var seen = new ConcurrentQueue<string>();
        var subscription = file.Subscribe(contract => seen.Enqueue(Uids(contract)));
        Put(2, "b");
        await Eventually.True(() => seen.Count == 2, "two contracts");
        subscription.Dispose();
        Put(3, "c");
        await Shows(file, "c");
        Assert.Equal(["a", "b"], seen);
    }

    [Fact]
    public async Task A_subscriber_that_fails_does_not_end_the_watch()
    {
        Put(1, "a");
        await using var file = Open();
        file.Subscribe(contract => _ = contract.Generation == 2 ? throw new InvalidOperationException("bug") : 0);
        Put(2, "b");
        await Shows(file, "b");
        Put(3, "c");
        await Shows(file, "c");
    }

    [Fact]
    public async Task A_lost_watch_is_made_good_by_reading_now_and_then()
    {
        var mount = Directory.CreateDirectory(_folder["mount"]).FullName;
        _folder.Write("mount/data", Json(1, "a"));
        await using var file = new ContractFile(_folder["mount/data"], _time, NullLogger.Instance);
        // The watch is on the folder that is moved away, and reports nothing of its successor.
        Directory.Move(mount, _folder["away"]);
        _folder.Write("mount/data", Json(2, "b"));
        await Eventually.True(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(10));
                return Uids(file) == "b";
            },
            "the contract of the new folder"
        );
    }

    [Fact]
    public async Task A_folder_holds_the_contracts_of_its_files()
    {
        var folder = Directory.CreateDirectory(_folder["many"]).FullName;
        _folder.Write("many/2", Json(7, "c"));
        _folder.Write("many/1", Json(7, "a b"));
        _folder.Write("many/.hidden", Json(7, "x"));
        await using var file = new ContractFile(folder, _time, NullLogger.Instance);
        Assert.Equal("a b c", Uids(file));

        _folder.Write("many/3", Json(1, "d"));
        await Shows(file, "a b c d");
        _folder.Write("many/1", "{");
        _folder.Write("many/2", Json(8, "e"));
        await Shows(file, "a b e d");
        File.Delete(_folder["many/3"]);
        await Shows(file, "a b e");
    }

    [Fact]
    public async Task An_empty_folder_is_a_contract_without_resources()
    {
        await using var file = new ContractFile(_folder.Path, _time, NullLogger.Instance);
        Assert.Empty(file.Current!.Resources);
    }

    private ContractFile Open() => new(_folder["data"], _time, NullLogger.Instance);

    private void Put(int generation, string uids) => _folder.Write("data", Json(generation, uids));

    private static string Json(int generation, string uids) =>
        $$"""{"generation":"{{generation}}","resources":[{{string.Join(",", uids.Split(' ').Select(uid => $$"""{"uid":"{{uid}}"}"""))}}]}""";

    private static string? Uids(ContractFile file) => file.Current is { } contract ? Uids(contract) : null;

    private static string Uids(Core.Contract.Wire.Contract contract) =>
        string.Join(" ", contract.Resources.Select(resource => resource.Uid));

    private static Task Shows(ContractFile file, string uids) =>
        Eventually.True(() => Uids(file) == uids, () => $"'{uids}', there is '{Uids(file)}'");

    /// <summary>Waits until what is in the folder now has certainly been read: of two reads that end from now on the second began after now.</summary>
    private async Task StillShows(ContractFile file, string uids)
    {
        var reads = file.Reads;
        await Eventually.True(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(10));
                return file.Reads >= reads + 2;
            },
            "two more reads"
        );
        Assert.Equal(uids, Uids(file));
    }

    private static void Rename(string from, string to) => Assert.Equal(0, NativeRename(from, to));

#pragma warning disable SYSLIB1054, CA2101 // one call in a test needs no generated marshalling
    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "rename", SetLastError = true)]
    private static extern int NativeRename(
        [System.Runtime.InteropServices.MarshalAs(System.Runtime.InteropServices.UnmanagedType.LPUTF8Str)] string from,
        [System.Runtime.InteropServices.MarshalAs(System.Runtime.InteropServices.UnmanagedType.LPUTF8Str)] string to
    );
#pragma warning restore SYSLIB1054, CA2101
}
