using System.Text;

namespace Brokkr.Cli.Logging;

/// <summary>
/// Writes lines to a stream from a thread of its own. Who logs never waits for whoever reads the output: with the queue full lines are dropped and their number
/// is written in their place.
/// </summary>
internal sealed class LineWriter : IDisposable
{
    private static readonly TimeSpan FlushBudget = TimeSpan.FromSeconds(1);

    private readonly Stream _output;
    private readonly int _capacity;
    private readonly Queue<byte[]> _lines = new();
    private readonly Thread _thread;
    private long _dropped;
    private bool _closed;

    /// <param name="output">Gets the lines.</param>
    /// <param name="capacity">Lines that may wait.</param>
    public LineWriter(Stream output, int capacity = 4096)
    {
        _output = output;
        _capacity = capacity;
        _thread = new Thread(Run, maxStackSize: 128 * 1024) { IsBackground = true, Name = "log" };
        _thread.Start();
    }

    /// <summary>Hands a line over, its line end included.</summary>
    public void Write(byte[] line)
    {
        lock (_lines)
        {
            if (_closed)
            {
                return;
            }

            if (_lines.Count >= _capacity)
            {
                _dropped++;
                return;
            }

            _lines.Enqueue(line);
            Monitor.Pulse(_lines);
        }
    }

    /// <summary>Writes what waits, for a second at most.</summary>
    public void Dispose()
    {
        lock (_lines)
        {
            _closed = true;
            Monitor.Pulse(_lines);
        }

        _thread.Join(FlushBudget);
    }

    private void Run()
    {
        try
        {
            while (Next() is { } line)
            {
                _output.Write(line);
            }

            _output.Flush();
        }
        catch (IOException)
        {
            // Nobody reads the output any more; there is nowhere left to say so.
            lock (_lines)
            {
                _closed = true;
                _lines.Clear();
            }
        }
    }

    private byte[]? Next()
    {
        lock (_lines)
        {
            while (_lines.Count == 0 && !_closed)
            {
                Monitor.Wait(_lines);
            }

            if (_dropped > 0 && _lines.Count < _capacity / 2)
            {
                var dropped = _dropped;
                _dropped = 0;
                return Encoding.UTF8.GetBytes(
                    $"{{\"level\":\"WARN\",\"level_value\":30000,\"logger_name\":\"Brokkr.Cli\",\"message\":\"{dropped} log lines were dropped\"}}\n"
                );
            }

            return _lines.TryDequeue(out var line) ? line : null;
        }
    }
}
