using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Brokkr.Embedded.Storage;

/// <summary>
/// A prepared statement, used again and again. Below ADO.NET, because that boxes every parameter and copies every blob once more. Not thread-safe.
/// </summary>
internal sealed class Statement(sqlite3 database, sqlite3_stmt statement) : IDisposable
{
    public Statement Bind(int index, long value)
    {
        Check(raw.sqlite3_bind_int64(statement, index, value));
        return this;
    }

    public Statement Bind(int index, string value)
    {
        // With its length: a NUL in a text is a character like others.
        Check(raw.sqlite3_bind_text(statement, index, Encoding.UTF8.GetBytes(value)));
        return this;
    }

    public Statement Bind(int index, ReadOnlySpan<byte> value)
    {
        Check(raw.sqlite3_bind_blob(statement, index, value));
        return this;
    }

    /// <summary>Goes to the next row. False at the end; the statement is then ready to be bound again.</summary>
    /// <exception cref="SqliteException">SQLite could not; the statement is then ready to be bound again.</exception>
    public bool Step()
    {
        var result = raw.sqlite3_step(statement);
        if (result == raw.SQLITE_ROW)
        {
            return true;
        }

        if (result != raw.SQLITE_DONE)
        {
            try
            {
                SqliteException.ThrowExceptionForRC(raw.sqlite3_extended_errcode(database), database);
            }
            finally
            {
                Reset();
            }
        }

        Reset();
        return false;
    }

    /// <summary>Runs to the end, whatever rows there are.</summary>
    public void Run()
    {
        while (Step()) { }
    }

    /// <summary>The first column of the first row; null if there is none.</summary>
    public long? Scalar()
    {
        if (!Step())
        {
            return null;
        }

        var value = Int64(0);
        Reset();
        return value;
    }

    // The result repeats the error of the last step, which has been thrown already.
    public void Reset() => _ = raw.sqlite3_reset(statement);

    public long Int64(int column) => raw.sqlite3_column_int64(statement, column);

    public string Text(int column) => Encoding.UTF8.GetString(Blob(column));

    /// <summary>Valid until the next step.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(statement, column);

    public void Dispose() => statement.Dispose();

    private void Check(int result) => SqliteException.ThrowExceptionForRC(result, database);
}
