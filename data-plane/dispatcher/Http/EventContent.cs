using System.Net;

namespace Brokkr.Dispatcher.Http;

/// <summary>The body of a request: bytes that are sent from where they lie. No data is a body of length 0.</summary>
/// <param name="body">The bytes; not copied.</param>
internal sealed class EventContent(ReadOnlyMemory<byte> body) : HttpContent
{
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        body.IsEmpty ? Task.CompletedTask : stream.WriteAsync(body, cancellationToken).AsTask();

    protected override bool TryComputeLength(out long length)
    {
        length = body.Length;
        return true;
    }
}
