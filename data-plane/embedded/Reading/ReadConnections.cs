using System.Collections.Concurrent;
using Brokkr.Embedded.Storage;
using Microsoft.Data.Sqlite;

namespace Brokkr.Embedded.Reading;

/// <summary>Connections that read. A read takes one for as long as it runs, so few serve any number of readers.</summary>
internal sealed class ReadConnections(string path, EmbeddedLogOptions options) : IDisposable
{
    private readonly SemaphoreSlim _free = new(options.ConcurrentReads);
    private readonly ConcurrentStack<ReadConnection> _open = new();
    private volatile bool _closed;

    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    /// <exception cref="ObjectDisposedException">The log is closed.</exception>
    public async ValueTask<ReadConnection> TakeAsync(CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_closed, typeof(EmbeddedLog));
        await _free.WaitAsync(cancellation);
        if (_open.TryPop(out var connection))
        {
            return connection;
        }

        try
        {
            return new ReadConnection(Database.Open(path, SqliteOpenMode.ReadWrite, options.BusyTimeout));
        }
        catch
        {
            _free.Release();
            throw;
        }
    }

    /// <summary>Gives a connection back.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="broken">Whether it failed, so that it is not used again.</param>
    public void Return(ReadConnection connection, bool broken)
    {
        if (broken || _closed)
        {
            connection.Dispose();
        }
        else
        {
            _open.Push(connection);
        }

        _free.Release();
    }

    /// <summary>Closes the connections that are free now and every other one when it is given back.</summary>
    public void Dispose()
    {
        _closed = true;
        while (_open.TryPop(out var connection))
        {
            connection.Dispose();
        }
    }
}

/// <summary>A connection that reads, with its statements.</summary>
internal sealed class ReadConnection : IDisposable
{
    private readonly Database _database;

    public ReadConnection(Database database)
    {
        _database = database;
        database.Execute("PRAGMA query_only = ON");
        // Every commit makes what was cached invalid; the operating system's cache is the one that counts.
        database.Execute("PRAGMA cache_size = -1024");
        Records = database.Prepare("SELECT id, time, record FROM records WHERE id >= ? AND id < ? ORDER BY id");
        Cursors = database.Prepare(
            """
            SELECT partitions.number, cursors.offset, cursors.metadata FROM partitions
            JOIN cursors ON cursors.partition = partitions.id AND cursors.consumer_group = ?
            WHERE partitions.topic = ?
            """
        );
    }

    public Statement Records { get; }

    public Statement Cursors { get; }

    public void Dispose() => _database.Dispose();
}
