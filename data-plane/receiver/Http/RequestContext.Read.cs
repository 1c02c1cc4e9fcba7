using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Log;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Brokkr.Receiver.Http;

/// <content>What comes in: headers and body.</content>
internal sealed partial class RequestContext
{
    // What a request costs beside its body, so that the bound on bytes is one on their number too.
    private const int Overhead = 1024;

    /// <summary>Ends a body that takes too long.</summary>
    internal override void Check(long now)
    {
        var due = Volatile.Read(ref _bodyDue);
        if (due != 0 && now >= due && Interlocked.CompareExchange(ref _bodyDue, 0, due) == due)
        {
            _reader?.CancelPendingRead();
        }
    }

    /// <summary>What can be refused before the body is read.</summary>
    private Refusal? CheckHead(ContentKind kind, StringValues contentType)
    {
        if (kind == ContentKind.Unsupported)
        {
            return new Refusal(
                Problem.UnsupportedContentMode,
                $"Send the event in binary mode, or as {HttpBinding.StructuredJson} or {HttpBinding.BatchJson}; other event formats are not supported."
            );
        }

        var transfer = _request.Headers.TransferEncoding;
        if (transfer.Count > 0 && !IsChunked(transfer))
        {
            return new Refusal(
                Problem.MalformedRequest,
                "The only Transfer-Encoding that is understood is one 'chunked', in HTTP/1.1. Send the body so, or with Content-Length."
            );
        }

        if (contentType.Count > 1)
        {
            return new Refusal(Problem.InvalidEvent, "Content-Type is given more than once.");
        }

        var coding = _request.Headers.ContentEncoding;
        if (coding.Count > 0 && !IsIdentity(coding) && !(application.Options.Decompress && IsKnownCoding(coding.ToString())))
        {
            return new Refusal(
                Problem.UnsupportedContentCoding,
                "The body has a Content-Encoding, which would be lost on the way to subscribers. Send it without."
            );
        }

        var length = _request.Headers.ContentLength ?? 0;
        if (length > application.Options.MaxBodyBytes)
        {
            return TooLarge();
        }

        return Take(Overhead + length) ? null : Busy();
    }

    /// <summary>Takes the attributes of an event in binary mode from the headers.</summary>
    private Refusal? ReadHeaders(EventBuffer read, StringValues contentType)
    {
        ContinueTrace(read);
        Span<byte> scratch = stackalloc byte[1024];
        foreach (var (name, values) in _request.Headers)
        {
            if (name.Length < 3 || name[2] != '-' || (name[0] | 0x20) != 'c' || (name[1] | 0x20) != 'e')
            {
                continue;
            }

            for (var i = 0; i < values.Count; i++)
            {
                var error = AddHeader(read, name, values[i] ?? "", scratch);
                if (error.IsError)
                {
                    return Refusal.From(error);
                }
            }
        }

        if (contentType.Count > 0)
        {
            var value = contentType[0] ?? "";
            var error =
                value.Length <= scratch.Length
                    ? HttpBinding.SetContentType(read, scratch[..Encoding.Latin1.GetBytes(value, scratch)])
                    : HttpBinding.SetContentType(read, Encoding.Latin1.GetBytes(value));
            if (error.IsError)
            {
                return Refusal.From(error);
            }
        }

        var refusal = Refusal.From(read.Validate());
        if (refusal is null)
        {
            _eventType = application.Metrics.Types.Of(read.Get(CoreAttribute.Type));
        }

        return refusal;
    }

    /// <summary>The server decodes header bytes one by one (<see cref="ReceiverHost"/>), so this gets them back as they were sent.</summary>
    private static EventError AddHeader(EventBuffer read, string name, string value, Span<byte> scratch)
    {
        var length = name.Length + value.Length;
        byte[]? rented = null;
        if (length > scratch.Length)
        {
            scratch = rented = ArrayPool<byte>.Shared.Rent(length);
        }

        Encoding.Latin1.GetBytes(name, scratch);
        Encoding.Latin1.GetBytes(value, scratch[name.Length..]);
        var error = HttpBinding.AddHeader(read, scratch[..name.Length], scratch[name.Length..length]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return error;
    }

    /// <summary>Carries the trace of the request on, as headers of the record ahead of the event's (receiver-and-core §14.3).</summary>
    private void ContinueTrace(EventBuffer read)
    {
        if (_span is { } span)
        {
            ContinueTrace(read, span);
            return;
        }

        var headers = _request.Headers;
        var parent = headers.TraceParent;
        if (parent.Count == 0)
        {
            return;
        }

        Span<byte> traceparent = stackalloc byte[TraceContext.Length];
        if (TraceContext.TryContinue(parent.ToString(), traceparent))
        {
            read.AddRecordHeader("traceparent"u8, traceparent);
            CarryOn(read, "tracestate"u8, headers.TraceState);
            CarryOn(read, "baggage"u8, headers.Baggage);
        }
    }

    private static void CarryOn(EventBuffer read, ReadOnlySpan<byte> name, StringValues values)
    {
        if (values.Count > 0 && values.ToString() is { Length: > 0 } text)
        {
            read.AddRecordHeader(name, Encoding.Latin1.GetBytes(text));
        }
    }

    /// <summary>Reads the body into the value of a record, which stays null when there is no body.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Refusal?> ReadBodyAsync(RecordBuffer body)
    {
        if (_request.Headers.ContentLength == 0)
        {
            return null;
        }

        var counted = _request.Headers.ContentLength is null;
        var reader = _features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        var watched = false;
        try
        {
            while (true)
            {
                var reading = reader.ReadAsync();
                if (!reading.IsCompleted && !watched)
                {
                    watched = true;
                    Watch();
                }

                ReadResult result;
                try
                {
                    result = await reading;
                }
                catch (InvalidOperationException)
                {
                    // The server reads the trailers of chunks with the body and says so of characters in them that no header may have.
                    return new Refusal(Problem.MalformedRequest, "The trailers of the body are not valid HTTP.");
                }

                if (result.IsCanceled && !(watched && Volatile.Read(ref _bodyDue) == 0))
                {
                    // A cancellation that was meant for an earlier request on this connection.
                    reader.AdvanceTo(result.Buffer.Start);
                    continue;
                }

                if (result.IsCanceled)
                {
                    return new Refusal(Problem.RequestTimeout, "The body of the request did not arrive in time. Send it again, faster.");
                }

                var refusal = Append(body, result.Buffer, counted);
                reader.AdvanceTo(result.Buffer.End);
                if (refusal is not null || result.IsCompleted)
                {
                    return refusal;
                }
            }
        }
        finally
        {
            if (watched)
            {
                Unwatch();
            }
        }
    }

    /// <summary>Puts the reading of the body under a deadline.</summary>
    private PipeReader Watch()
    {
        _reader = _features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        Volatile.Write(ref _bodyDue, application.Deadlines.Now + (long)application.Options.BodyDeadline.TotalMilliseconds);
        application.Deadlines.Add(this);
        return _reader;
    }

    private void Unwatch()
    {
        Volatile.Write(ref _bodyDue, 0);
        application.Deadlines.Remove(this);
        _reader = null;
    }

    private Refusal? Append(RecordBuffer body, in ReadOnlySequence<byte> bytes, bool counted)
    {
        if (bytes.IsEmpty)
        {
            return null;
        }

        if (body.Value.Length + bytes.Length > application.Options.MaxBodyBytes)
        {
            return TooLarge();
        }

        if (counted && !Take(bytes.Length))
        {
            return Busy();
        }

        if (bytes.IsSingleSegment)
        {
            body.AppendValue(bytes.FirstSpan);
        }
        else
        {
            bytes.CopyTo(body.ReserveValue((int)bytes.Length));
            body.CommitValue((int)bytes.Length);
        }

        return null;
    }

    /// <summary>Undoes the content coding of a body, within the limit that holds for bodies.</summary>
    private Refusal? Unpack(ref RecordBuffer body)
    {
        var coding = _request.Headers.ContentEncoding;
        if (coding.Count == 0 || IsIdentity(coding))
        {
            return null;
        }

        var unpacked = RecordBuffer.Rent();
        try
        {
            using var packed = new MemoryStream(body.Value.ToArray(), writable: false);
            using var stream = Decoder(coding.ToString(), packed);
            while (true)
            {
                var read = stream.Read(unpacked.ReserveValue(4096));
                if (read == 0)
                {
                    break;
                }

                unpacked.CommitValue(read);
                if (unpacked.Value.Length > application.Options.MaxBodyBytes)
                {
                    return TooLarge();
                }
            }

            if (!Take(unpacked.Value.Length))
            {
                return Busy();
            }

            (body, unpacked) = (unpacked, body);
            return null;
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
        {
            return new Refusal(Problem.MalformedRequest, "The body is not what its Content-Encoding says.");
        }
        finally
        {
            unpacked.Dispose();
        }
    }

    private static Stream Decoder(string coding, Stream packed) =>
        coding.ToUpperInvariant() switch
        {
            "BR" => new BrotliStream(packed, CompressionMode.Decompress),
            "DEFLATE" or "X-DEFLATE" => new ZLibStream(packed, CompressionMode.Decompress),
            _ => new GZipStream(packed, CompressionMode.Decompress),
        };

    private static bool IsKnownCoding(string coding) => coding.ToUpperInvariant() is "GZIP" or "X-GZIP" or "DEFLATE" or "X-DEFLATE" or "BR";

    /// <summary>
    /// The server asks only that the last coding is <c>chunked</c>; the others would stay on the data, and proxies differ about where such a body ends
    /// (RFC 9112 §6.1, §11.2).
    /// </summary>
    private bool IsChunked(StringValues transfer) =>
        transfer.Count == 1
        && string.Equals(transfer[0], "chunked", StringComparison.OrdinalIgnoreCase)
        && !string.Equals(_request.Protocol, HttpProtocol.Http10, StringComparison.Ordinal);

    private static bool IsIdentity(StringValues coding) =>
        coding.Count == 1 && (coding[0] is "" or null || string.Equals(coding[0], "identity", StringComparison.OrdinalIgnoreCase));

    private bool Take(long bytes)
    {
        if (!application.Bytes.TryTake(bytes))
        {
            return false;
        }

        _taken += bytes;
        return true;
    }

    private Refusal TooLarge() =>
        new(
            Problem.EventTooLarge,
            $"The body may have at most {application.Options.MaxBodyBytes} bytes. Send a smaller event, or a link to the data."
        );

    private static Refusal Busy() => new(Problem.TooManyRequests, "Too much is waiting to be stored. Send the event again later.");
}
