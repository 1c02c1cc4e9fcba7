using System.Runtime.InteropServices;
using Brokkr.Core.Log;
using Brokkr.Kafka.Native;

namespace Brokkr.Kafka.Clients;

/// <summary>Copies a fetched message into managed memory, so that the native one can be freed at once. Hot path: two allocations.</summary>
internal static unsafe class RecordCopy
{
    private const int HeadersOnStack = 32;

    public static StoredRecord From(Message* message)
    {
        int kind;
        var timestamp = Rd.MessageTimestamp(message, &kind);
        nint headers;
        if (Rd.MessageHeaders(message, &headers) != ErrorCodes.None)
        {
            headers = 0;
        }

        var raw = stackalloc RawHeader[HeadersOnStack];
        var count = 0;
        RawHeader[]? more = null;
        var size = 0;
        if (headers != 0)
        {
            RawHeader header;
            while (Rd.HeaderGetAll(headers, (nuint)count, &header.Name, &header.Value, &header.Size) == ErrorCodes.None)
            {
                header.NameLength = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(header.Name).Length;
                size += header.NameLength + (header.Value == null ? 0 : (int)header.Size);
                if (count < HeadersOnStack)
                {
                    raw[count] = header;
                }
                else
                {
                    more ??= new RawHeader[64];
                    if (count - HeadersOnStack == more.Length)
                    {
                        Array.Resize(ref more, more.Length * 2);
                    }

                    more[count - HeadersOnStack] = header;
                }

                count++;
            }
        }

        var keyLength = message->Key == null ? -1 : (int)message->KeyLength;
        var valueLength = message->Payload == null ? -1 : (int)message->Length;
        var block = GC.AllocateUninitializedArray<byte>(size + Math.Max(0, keyLength) + Math.Max(0, valueLength));
        var slices = count == 0 ? [] : new HeaderSlice[count];
        var at = 0;
        for (var i = 0; i < count; i++)
        {
            ref var header = ref i < HeadersOnStack ? ref raw[i] : ref more![i - HeadersOnStack];
            var length = header.Value == null ? -1 : (int)header.Size;
            new ReadOnlySpan<byte>(header.Name, header.NameLength).CopyTo(block.AsSpan(at));
            slices[i] = new HeaderSlice(at, header.NameLength, at + header.NameLength, length);
            at += header.NameLength;
            if (length > 0)
            {
                new ReadOnlySpan<byte>(header.Value, length).CopyTo(block.AsSpan(at));
                at += length;
            }
        }

        var key = at;
        if (keyLength > 0)
        {
            new ReadOnlySpan<byte>(message->Key, keyLength).CopyTo(block.AsSpan(at));
            at += keyLength;
        }

        if (valueLength > 0)
        {
            new ReadOnlySpan<byte>(message->Payload, valueLength).CopyTo(block.AsSpan(at));
        }

        return new StoredRecord(message->Offset, timestamp, block, slices, key, keyLength, at, valueLength);
    }

    private struct RawHeader
    {
        public byte* Name;
        public byte* Value;
        public nuint Size;
        public int NameLength;
    }
}
