using System.Buffers;
using System.IO.Pipelines;

namespace Brokkr.Kubernetes.Watching;

/// <summary>Reads the lines of a watch, each as soon as it is complete.</summary>
/// <param name="stream">The answer. Owned by the caller.</param>
/// <param name="longest">Bytes that a line may have.</param>
internal sealed class LineReader(Stream stream, int longest)
{
    private readonly PipeReader _pipe = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true));
    private SequencePosition? _consumed;

    /// <summary>The next line, without its end; null at the end of the stream. Valid until the next call.</summary>
    /// <exception cref="IOException">The connection is lost, or the line is too long.</exception>
    public async ValueTask<ReadOnlySequence<byte>?> ReadAsync(CancellationToken cancellation)
    {
        if (_consumed is { } before)
        {
            _consumed = null;
            _pipe.AdvanceTo(before);
        }

        while (true)
        {
            var read = await _pipe.ReadAsync(cancellation);
            if (read.Buffer.PositionOf((byte)'\n') is { } end)
            {
                _consumed = read.Buffer.GetPosition(1, end);
                return read.Buffer.Slice(0, end);
            }

            if (read.IsCompleted)
            {
                // What is not a whole line was cut off.
                return null;
            }

            if (read.Buffer.Length > longest)
            {
                throw new IOException($"The API server sent a line of more than {longest} bytes.");
            }

            _pipe.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
