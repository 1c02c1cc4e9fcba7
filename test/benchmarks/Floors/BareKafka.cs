using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Brokkr.Benchmarks.Measuring;
using Brokkr.Kafka.Native;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Benchmarks.Floors;

/// <summary>librdkafka and nothing else: a loop that produces, and one that consumes.</summary>
internal static unsafe class BareKafka
{
    private static long s_events;
    private static long s_inFlight;

    /// <summary>Produces records of 1 KiB with six headers, a given number in flight, until told to stop.</summary>
    public static void Produce(string servers, string topic, int inFlight)
    {
        var client = NativeClient.Create(
            Rd.TypeProducer,
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["bootstrap.servers"] = servers,
                ["acks"] = "all",
                ["enable.idempotence"] = "true",
                ["linger.ms"] = "0.5",
            },
            &OnDelivered,
            0,
            NullLogger.Instance
        );
        var handle = Rd.TopicNew(client.Handle, topic, 0);
        var stop = false;
        var loop = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                while (Volatile.Read(ref s_inFlight) < inFlight)
                {
                    Interlocked.Increment(ref s_inFlight);
                    One(client.Handle, handle);
                }

                _ = Rd.Poll(client.Handle, 100);
            }
        });
        loop.Start();
        Snapshot.Serve(() => Volatile.Read(ref s_events));
        Volatile.Write(ref stop, true);
        loop.Join();
    }

    /// <summary>Fills a topic and ends.</summary>
    public static void Fill(string servers, string topic, int records, int buckets)
    {
        var client = NativeClient.Create(
            Rd.TypeProducer,
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["bootstrap.servers"] = servers,
                ["linger.ms"] = "20",
                ["sticky.partitioning.linger.ms"] = "5",
                ["queue.buffering.max.messages"] = "200000",
            },
            &OnDelivered,
            0,
            NullLogger.Instance
        );
        var handle = Rd.TopicNew(client.Handle, topic, 0);
        for (var i = 0; i < records; i++)
        {
            while (Volatile.Read(ref s_inFlight) > 100_000)
            {
                _ = Rd.Poll(client.Handle, 10);
            }

            Interlocked.Increment(ref s_inFlight);
            One(client.Handle, handle, buckets == 0 ? -1 : i % buckets);
        }

        _ = Rd.Flush(client.Handle, 60_000);
    }

    /// <summary>Reads all partitions of a topic from the beginning, touching every header, until told to stop.</summary>
    public static void Consume(string servers, string topic, int partitions)
    {
        var client = NativeClient.Create(
            Rd.TypeConsumer,
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["bootstrap.servers"] = servers,
                ["queued.max.messages.kbytes"] = "2048",
            },
            null,
            0,
            NullLogger.Instance
        );
        var handle = Rd.TopicNew(client.Handle, topic, 0);
        var queue = Rd.QueueNew(client.Handle);
        for (var partition = 0; partition < partitions; partition++)
        {
            _ = Rd.ConsumeStart(handle, partition, 0, queue);
        }

        var stop = false;
        long touched = 0;
        var loop = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                var message = Rd.ConsumeQueue(queue, 100);
                if (message == null)
                {
                    continue;
                }

                nint headers;
                if (message->Error == 0 && Rd.MessageHeaders(message, &headers) == 0)
                {
                    byte* name;
                    byte* value;
                    nuint size;
                    for (nuint i = 0; Rd.HeaderGetAll(headers, i, &name, &value, &size) == 0; i++)
                    {
                        touched += (long)size;
                    }

                    Interlocked.Increment(ref s_events);
                }

                Rd.MessageDestroy(message);
            }
        });
        loop.Start();
        Snapshot.Serve(() => Volatile.Read(ref s_events));
        Volatile.Write(ref stop, true);
        loop.Join();
        GC.KeepAlive(touched);
    }

    private static void One(nint client, nint topic, int bucket = -1)
    {
        var value = stackalloc byte[1024];
        var bucketText = stackalloc byte[8];
        var arguments = stackalloc Argument[16];
        nuint count = 0;
        arguments[count++] = new Argument { Kind = ArgumentKind.Topic, Pointer = topic };
        arguments[count++] = new Argument { Kind = ArgumentKind.MessageFlags, Number = 2 };
        arguments[count++] = new Argument
        {
            Kind = ArgumentKind.Value,
            Pointer = (nint)value,
            Size = 1024,
        };
        new Span<byte>(value, 1024).Fill((byte)'x');
        fixed (
            byte* specversion = "ce_specversion\0"u8,
                id = "ce_id\0"u8,
                source = "ce_source\0"u8,
                type = "ce_type\0"u8,
                time = "ce_time\0"u8,
                contentType = "content-type\0"u8,
                bucketName = "ce_bucket\0"u8
        )
        {
            Header(specversion, "1.0"u8);
            Header(id, "4a6e3c1c-6d0b-4ae2-9b6e-000000000001"u8);
            Header(source, "/benchmark/source"u8);
            Header(type, "com.example.benchmark"u8);
            Header(contentType, "text/plain"u8);
            Header(time, "2026-01-02T03:04:05Z"u8);
            if (bucket >= 0)
            {
                System.Buffers.Text.Utf8Formatter.TryFormat(bucket, new Span<byte>(bucketText, 8), out var written);
                arguments[count++] = new Argument
                {
                    Kind = ArgumentKind.Header,
                    Pointer = (nint)bucketName,
                    HeaderValue = (nint)bucketText,
                    HeaderSize = written,
                };
            }

            if (Rd.Consume(Rd.Produce(client, arguments, count)).Code != 0)
            {
                Interlocked.Decrement(ref s_inFlight);
            }
        }

        void Header(byte* name, ReadOnlySpan<byte> text)
        {
            // The literals live in the image and do not move.
            arguments[count++] = new Argument
            {
                Kind = ArgumentKind.Header,
                Pointer = (nint)name,
                HeaderValue = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(text)),
                HeaderSize = text.Length,
            };
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDelivered(nint client, Message* message, nint opaque)
    {
        Interlocked.Decrement(ref s_inFlight);
        if (message->Error == 0)
        {
            Interlocked.Increment(ref s_events);
        }
    }
}
