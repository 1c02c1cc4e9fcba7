using Brokkr.Core.Log;
using Brokkr.Kafka.Groups;
using CsCheck;

namespace Brokkr.Kafka.Tests.Groups;

/// <summary>Whatever arrives, reading it gives an answer or the protocol exception, and takes no memory that the bytes do not pay for.</summary>
public sealed class GroupsParserTests
{
    private static readonly Gen<byte[]> Noise = Gen.OneOf(
        Gen.Byte.Array[0, 200],
        // Small numbers, so that counts and lengths often fit and the reading gets far.
        Gen.OneOf(Gen.Const((byte)0), Gen.Byte[0, 4], Gen.Byte).Array[0, 400]
    );

    [Fact]
    public void Random_bytes_are_an_answer_or_a_protocol_exception() =>
        Noise.Sample(
            bytes =>
            {
                for (short version = 0; version <= 8; version++)
                {
                    Try(new ApiVersions.Ask(), bytes, version);
                    Try(new FindCoordinatorRequest("group"), bytes, version);
                    Try(new OffsetFetchRequest("group", "topic", null), bytes, version);
                    Try(new OffsetFetchRequest("group", "", 3), bytes, version);
                    Try(new OffsetCommitRequest("group", [At("topic", 0, 1, "")]), bytes, version);
                    Try(new DeleteGroupsRequest("group"), bytes, version);
                    Try(new PartitionCountRequest("topic"), bytes, version);
                    Try(new SaslHandshakeRequest("PLAIN"), bytes, version);
                    Try(new SaslAuthenticateRequest([]), bytes, version);
                }
            },
            iter: 5_000
        );

    [Fact]
    public void Random_login_messages_are_refused() =>
        Gen.OneOf(Noise.Select(bytes => bytes), Gen.String[Gen.Char["=,rsiv+/A0nonce"], 0, 60].Select(System.Text.Encoding.UTF8.GetBytes))
            .Sample(
                bytes =>
                {
                    var login = new ScramLogin(ScramLogin.Sha256, "user", "pencil", "nonce");
                    Assert.Throws<ProtocolException>(() => login.Verify(bytes));
                    try
                    {
                        login.Second(bytes);
                    }
                    catch (ProtocolException)
                    {
                        // Expected of nearly all.
                    }

                    Assert.Throws<ProtocolException>(() => login.Verify(bytes));
                },
                iter: 5_000
            );

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    [InlineData(-2)]
    [InlineData(5)]
    public void A_count_that_the_bytes_cannot_hold_is_refused_before_anything_is_made_for_it(int count)
    {
        var bytes = new byte[12];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes, count);
        Assert.Throws<ProtocolException>(() => new FrameReader(bytes).Count(2));
    }

    [Fact]
    public void Numbers_and_texts_are_read_as_they_were_written() =>
        Gen.Select(Gen.SByte, Gen.Short, Gen.Int, Gen.Long, Gen.String, Gen.Byte.Array[0, 5000])
            .Sample(
                (a, b, c, d, text, bytes) =>
                {
                    text = text.Replace("\ud800", "", StringComparison.Ordinal);
                    text = System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text));
                    using var writer = new FrameWriter();
                    for (var repeat = 0; repeat < 3; repeat++)
                    {
                        var start = writer.Begin();
                        writer.Int8(a);
                        writer.Int16(b);
                        writer.Int32(c);
                        writer.Int64(d);
                        writer.String(text);
                        writer.String(null);
                        writer.Bytes(bytes);
                        writer.End(start);
                        var reader = new FrameReader(writer.Written.Span[start..]);
                        Assert.Equal(writer.Written.Length - start - 4, reader.Int32());
                        Assert.Equal((a, b, c, d), (reader.Int8(), reader.Int16(), reader.Int32(), reader.Int64()));
                        Assert.Equal(text, reader.String());
                        Assert.Null(reader.NullableString());
                        Assert.Equal(bytes, reader.Bytes());
                    }
                },
                iter: 500
            );

    [Fact]
    public void A_text_that_is_too_long_for_the_protocol_is_refused_and_leaves_no_trace()
    {
        using var writer = new FrameWriter();
        var start = writer.Begin();
        writer.Int32(7);
        Assert.Throws<LogUnavailableException>(() => writer.String(new string('x', 40_000)));
        writer.Undo(start);
        Assert.Equal(0, writer.Written.Length);
    }

    internal static KeyValuePair<TopicPartition, CursorPosition> At(string topic, int partition, long offset, string metadata) =>
        new(new TopicPartition(topic, partition), new CursorPosition(offset, metadata));

    private static void Try<T>(Request<T> request, byte[] bytes, short version)
    {
        var reader = new FrameReader(bytes);
        try
        {
            request.Read(ref reader, version);
        }
        catch (ProtocolException)
        {
            // The one exception that may be.
        }
    }
}
