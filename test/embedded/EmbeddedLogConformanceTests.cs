using Brokkr.Core.Log;
using Brokkr.Testing;
using Microsoft.Data.Sqlite;

namespace Brokkr.Embedded.Tests;

/// <summary>The port's suite on the embedded log.</summary>
public sealed class EmbeddedLogConformanceTests(EmbeddedLogFixture fixture) : LogConformance(fixture), IClassFixture<EmbeddedLogFixture>;

public sealed class EmbeddedLogFixture : LogConformanceFixture
{
    private readonly TemporaryFolder _folder = new();
    private SqliteConnection? _intruder;

    public override int AcceptedRecordBytes => 1_048_588;

    public override int RefusedRecordBytes => 1_048_589;

    public override string? Missing(LogCapability capability) =>
        capability switch
        {
            LogCapability.SecondInstance => "the embedded log belongs to one process at a time",
            LogCapability.SharedOwnership => "the embedded log belongs to one process, which has every partition",
            _ => null,
        };

    public override async ValueTask<ILog> OpenAsync() =>
        await EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = _folder.Path, BusyTimeout = TimeSpan.FromMilliseconds(100) });

    // What a tool does that writes to the file: it holds the one write lock that SQLite has.
    public override async ValueTask MakeUnavailableAsync()
    {
        _intruder = new SqliteConnection($"Data Source={Path.Combine(_folder.Path, "brokkr.db")};Pooling=False");
        await _intruder.OpenAsync();
        await using var command = _intruder.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        await command.ExecuteNonQueryAsync();
    }

    public override async ValueTask MakeAvailableAsync()
    {
        if (_intruder is not null)
        {
            await _intruder.DisposeAsync();
            _intruder = null;
        }
    }

    public override ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return base.DisposeAsync();
    }
}
