using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Brokkr.Embedded.Storage;

/// <summary>One connection to the file. Not thread-safe.</summary>
internal sealed class Database : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly List<Statement> _statements = [];

    private Database(SqliteConnection connection) => _connection = connection;

    private sqlite3 Handle => _connection.Handle!;

    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    public static Database Open(string path, SqliteOpenMode mode, TimeSpan busyTimeout)
    {
        var settings = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,
            Pooling = false,
        };
        var connection = new SqliteConnection(settings.ToString());
        try
        {
            connection.Open();
            var database = new Database(connection);
            _ = raw.sqlite3_busy_timeout(database.Handle, (int)busyTimeout.TotalMilliseconds);
            return database;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Prepares a statement; it lives as long as the connection.</summary>
    public Statement Prepare(string sql)
    {
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(Handle, sql, out var handle), Handle);
        var statement = new Statement(Handle, handle);
        _statements.Add(statement);
        return statement;
    }

    public void Execute(string sql)
    {
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(Handle, sql, out var handle), Handle);
        using var statement = new Statement(Handle, handle);
        statement.Run();
    }

    public long Scalar(string sql)
    {
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(Handle, sql, out var handle), Handle);
        using var statement = new Statement(Handle, handle);
        return statement.Scalar() ?? 0;
    }

    public long LastInsertedId => raw.sqlite3_last_insert_rowid(Handle);

    public int Changes => raw.sqlite3_changes(Handle);

    public bool InTransaction => raw.sqlite3_get_autocommit(Handle) == 0;

    /// <summary>Pages written to the write-ahead log since the last call.</summary>
    public int TakePagesWritten()
    {
        _ = raw.sqlite3_db_status(Handle, raw.SQLITE_DBSTATUS_CACHE_WRITE, out var pages, out _, resetFlg: 1);
        return pages;
    }

    /// <summary>Folds the write-ahead log into the file.</summary>
    /// <returns>Pages in the write-ahead log, and how many of them are in the file now.</returns>
    /// <exception cref="SqliteException">SQLite could not.</exception>
    public (int Logged, int Folded) Checkpoint(bool waitForReaders)
    {
        var result = raw.sqlite3_wal_checkpoint_v2(
            Handle,
            "main",
            waitForReaders ? raw.SQLITE_CHECKPOINT_TRUNCATE : raw.SQLITE_CHECKPOINT_PASSIVE,
            out var logged,
            out var folded
        );
        // Busy means that readers were in the way; the rest is done next time.
        SqliteException.ThrowExceptionForRC(result == raw.SQLITE_BUSY ? raw.SQLITE_OK : result, Handle);
        return (logged, folded);
    }

    public void Dispose()
    {
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }

        _connection.Dispose();
    }
}
