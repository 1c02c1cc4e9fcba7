using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Brokkr.Core.Events;
using Brokkr.Core.Filters;
using Brokkr.Core.Filters.Cesql;
using static Brokkr.Core.Tests.Events.EventTexts;

namespace Brokkr.Core.Tests.Filters.Cesql;

/// <summary>KN_VERIFY_CORRELATION_ID (source-channel-scheduling §12, dispatcher §6).</summary>
public sealed class VerifyCorrelationTests
{
    private const string Name = "ns.ask";

    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);
    private static readonly byte[] NewKey = RandomNumberGenerator.GetBytes(32);

    private static readonly Keys Known = new(
        "request-reply-keys",
        new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            ["ns.ask.key-0"] = Key,
            ["ns.ask.key-1"] = NewKey,
            ["ns.asking.key-0"] = RandomNumberGenerator.GetBytes(32),
            ["ns.short.key-0"] = [1, 2, 3],
        }
    );

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(5)]
    public void An_id_that_this_pod_made_is_recognised_by_this_pod_only(int index)
    {
        var id = Sign("i-1", Key, index);
        for (var pod = 0; pod < 3; pod++)
        {
            Assert.Equal(index % 3 == pod ? "True" : "False", Verify(id, pod: pod));
        }
    }

    [Fact]
    public void Every_key_of_the_RequestReply_counts_and_no_other()
    {
        Assert.Equal("True", Verify(Sign("i-1", NewKey, 0)));
        Assert.Equal("False", Verify(Sign("i-1", RandomNumberGenerator.GetBytes(32), 0)));
        Assert.Equal("False", Verify(Sign("i-1", Key, 0), name: "asking"));
        Assert.Equal("False", Verify(Sign("i-1", Key, 0), name: "short"));
        Assert.Equal("False", Verify(Sign("i-1", Key, 0), namespaceName: "other"));
    }

    [Fact]
    public void The_token_must_be_that_of_the_id()
    {
        var token = Sign("i-1", Key, 0).Split(':')[1];
        Assert.Equal("True", Verify($"i-1:{token}:0"));
        Assert.Equal("False", Verify($"i-2:{token}:0"));
        Assert.Equal("False", Verify($"i-11:{token}:0"));
        Assert.Equal("True", Verify(Sign("é \U0001F600", Key, 0)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("i-1")]
    [InlineData("i-1:0")]
    [InlineData("i-1:AAAA:0")]
    [InlineData("i-1:not base64:0")]
    [InlineData("i-1:TOKEN:x")]
    [InlineData("i-1:TOKEN:")]
    [InlineData("i-1:TOKEN:0:0")]
    [InlineData("i:1:TOKEN:0")]
    public void What_is_no_such_id_is_an_error(string id) =>
        Assert.Equal("False FunctionEvaluation", Verify(id.Replace("TOKEN", Sign("i-1", Key, 0).Split(':')[1], StringComparison.Ordinal)));

    [Fact]
    public void Without_keys_or_replicas_it_is_an_error_and_without_the_id_too()
    {
        var id = Sign("i-1", Key, 0);
        Assert.Equal("False FunctionEvaluation", Verify(id, secret: "absent"));
        Assert.Equal("False FunctionEvaluation", Verify(id, keys: null));
        Assert.Equal("False FunctionEvaluation", Verify(id, replicas: 0));
        Assert.Equal("False MissingAttribute", Verify(null));
    }

    [Fact]
    public void Keys_count_also_where_all_arguments_are_constants()
    {
        var expression = $"KN_VERIFY_CORRELATION_ID('{Sign("i-1", Key, 0)}', 'ask', 'ns', 'request-reply-keys', 0, 1)";
        Assert.True(CesqlExpression.Compile(expression, Known).Matches(new FilterInput(Event(), EventOverlay.Empty)));
    }

    [Fact]
    public void An_id_for_another_pod_needs_no_keys() => Assert.Equal("False", Verify(Sign("i-1", Key, 1), keys: null));

    private static string Verify(
        string? id,
        string name = "ask",
        string namespaceName = "ns",
        string secret = "request-reply-keys",
        int pod = 0,
        int replicas = 3
    ) => Verify(id, Known, name, namespaceName, secret, pod, replicas);

    private static string Verify(string? id, ICorrelationKeys? keys) => Verify(id, keys, "ask", "ns", "request-reply-keys", 0, 3);

    private static string Verify(
        string? id,
        ICorrelationKeys? keys,
        string name,
        string namespaceName,
        string secret,
        int pod,
        int replicas
    )
    {
        var e = id is null ? Event() : Event(("ce-replyid", id));
        var expression = $"KN_VERIFY_CORRELATION_ID(replyid, '{name}', '{namespaceName}', '{secret}', {pod}, {replicas})";
        var result = CesqlExpression.Compile(expression, keys).Evaluate(new FilterInput(e, EventOverlay.Empty));
        return $"{result.Number != 0}{(result.Errors == CesqlErrors.None ? "" : " " + result.Errors)}";
    }

    /// <summary>As a RequestReply makes it.</summary>
    private static string Sign(string id, byte[] key, int index)
    {
        var text = Encoding.UTF8.GetBytes(id);
        var token = new byte[12 + text.Length + 16];
        RandomNumberGenerator.Fill(token.AsSpan(0, 12));
        using var cipher = new AesGcm(key, 16);
        cipher.Encrypt(token.AsSpan(0, 12), text, token.AsSpan(12, text.Length), token.AsSpan(12 + text.Length));
        return $"{id}:{Base64Url.EncodeToString(token)}:{index}";
    }

    private sealed class Keys(string name, IReadOnlyDictionary<string, byte[]> entries) : ICorrelationKeys
    {
        public IReadOnlyDictionary<string, byte[]>? Of(string secretName) => secretName == name ? entries : null;
    }
}
