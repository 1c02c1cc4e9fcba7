using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Brokkr.Receiver.Http;

/// <summary>
/// HTTP/1.1 and HTTP/2 on one port in clear text. The web server can serve both but cannot tell them apart without TLS; a client that means
/// HTTP/2 begins with a preface that no HTTP/1.1 request can have (RFC 9113 §3.4). Which protocol a connection speaks is said to the server by
/// a feature of its own that is not public: <see cref="Unavailable"/> tells whether this version still has it.
/// </summary>
internal static class ClearTextProtocols
{
    private const string FeatureName =
        "Microsoft.AspNetCore.Server.Kestrel.Core.Internal.HttpProtocolsFeature, Microsoft.AspNetCore.Server.Kestrel.Core";

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Why connections cannot be told to speak HTTP/2; null if they can.</summary>
    public static Exception? Unavailable { get; } = Try();

    /// <summary>Lets a listener tell the two apart.</summary>
    /// <param name="listen">The listener.</param>
    /// <param name="idle">Close connections that say nothing for that long; zero for never.</param>
    /// <param name="begun">Close connections that have begun something but do not go on, for that long.</param>
    /// <param name="time">The clock.</param>
    public static void Use(ListenOptions listen, TimeSpan idle, TimeSpan begun, TimeProvider time)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => connection => OnConnectionAsync(connection, next, idle, begun, time));
    }

    private static async Task OnConnectionAsync(
        ConnectionContext connection,
        ConnectionDelegate next,
        TimeSpan idle,
        TimeSpan begun,
        TimeProvider time
    )
    {
        var input = connection.Transport.Input;
        var closing =
            connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        bool? http2;
        using (closing.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), input))
        using (
            idle > TimeSpan.Zero
                ? time.CreateTimer(static reader => ((PipeReader)reader!).CancelPendingRead(), input, idle, Timeout.InfiniteTimeSpan)
                : null
        )
        {
            http2 = await IsHttp2Async(input, begun, time);
        }

        if (http2 is null)
        {
            return;
        }

        if (http2.Value)
        {
            connection.Features[FeatureOf(HttpProtocols.Http2, out var feature)] = feature;
        }

        await next(connection);
    }

    /// <summary>Whether the connection begins with the preface; null if it ended before that was clear.</summary>
    private static async ValueTask<bool?> IsHttp2Async(PipeReader input, TimeSpan begun, TimeProvider time)
    {
        ITimer? limit = null;
        try
        {
            while (true)
            {
                var result = await input.ReadAsync();
                var begin = result.Buffer;
                var length = (int)Math.Min(begin.Length, Preface.Length);
                var matches = BeginsWithPreface(begin.Slice(0, length));
                var clear = !matches || length == Preface.Length;

                // What was looked at is left for the server; reading goes on only when there is more.
                input.AdvanceTo(begin.Start, clear || result.IsCompleted ? begin.Start : begin.End);
                if (clear)
                {
                    return matches;
                }

                if (result.IsCanceled || (result.IsCompleted && length == 0))
                {
                    return null;
                }

                if (result.IsCompleted)
                {
                    return false;
                }

                // The server counts only from here on, so that what has begun is not left lying.
                limit ??= time.CreateTimer(
                    static reader => ((PipeReader)reader!).CancelPendingRead(),
                    input,
                    begun,
                    Timeout.InfiniteTimeSpan
                );
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return null;
        }
        finally
        {
            limit?.Dispose();
        }
    }

    private static bool BeginsWithPreface(in ReadOnlySequence<byte> bytes)
    {
        if (bytes.IsSingleSegment)
        {
            return Preface.StartsWith(bytes.FirstSpan);
        }

        Span<byte> copy = stackalloc byte[Preface.Length];
        bytes.CopyTo(copy);
        return Preface.StartsWith(copy[..(int)bytes.Length]);
    }

    private static Type FeatureOf(HttpProtocols protocols, out object feature)
    {
        feature = Create(protocols);
        return feature.GetType();
    }

    private static Exception? Try()
    {
        try
        {
            FeatureOf(HttpProtocols.Http2, out _);
            return null;
        }
        catch (Exception e) when (e is TypeLoadException or MissingMemberException or FileNotFoundException)
        {
            return e;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    [return: UnsafeAccessorType(FeatureName)]
    private static extern object Create(HttpProtocols protocols);
}
