using System.Text;
using Brokkr.Receiver.Authentication;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using static Brokkr.Receiver.Tests.Authentication.TestIssuer;

namespace Brokkr.Receiver.Tests.Authentication;

/// <summary>No text is taken for a token that the issuer did not sign, and none makes the verifier throw.</summary>
public sealed class GarbageTests : IAsyncLifetime
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private static readonly TestKey Key = new("k-1");

    private TestIssuer _issuer = null!;
    private IssuerKeys _keys = null!;
    private TokenVerifier _verifier = null!;

    public async ValueTask InitializeAsync()
    {
        _issuer = await TestIssuer.StartAsync(Key, new TestKey("k-2", "ES256"));

        // Whatever key a text names, it is looked for once.
        _keys = new IssuerKeys(_issuer.Options with { RefreshGap = TimeSpan.FromDays(1) }, TimeProvider.System, NullLogger.Instance);
        _verifier = new TokenVerifier(_keys);
        await _keys.RefreshAsync(null);
        Assert.NotNull(_keys.Current);
    }

    public async ValueTask DisposeAsync()
    {
        await _keys.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    [Fact]
    public void Any_text_is_refused() => Gen.String.Sample(text => Refuses(text));

    [Fact]
    public void Any_parts_are_refused() =>
        Gen.Select(Part, Part, Part).Sample((header, payload, signature) => Refuses($"{header}.{payload}.{signature}"));

    [Fact]
    public void Any_header_is_refused() =>
        Gen.OneOf(
                Gen.String.Select(text => "{" + text + "}"),
                Gen.Select(
                        Gen.String,
                        Gen.OneOf(Gen.Const("RS256"), Gen.Const("ES256"), Gen.Const("PS512"), Gen.Const("none")),
                        Gen.OneOf(Gen.Const("k-1"), Gen.Const("k-2"), Gen.Const("k-3"))
                    )
                    .Select(
                        (more, algorithm, id) =>
                            $$"""{"alg":"{{algorithm}}","kid":"{{id}}","x":{{System.Text.Json.JsonSerializer.Serialize(more)}}}"""
                    )
            )
            .Select(header => $"{TestKey.Part(header)}.{TestKey.Part(Claims().ToJsonString())}")
            .Select(Part, (signed, signature) => $"{signed}.{signature}")
            .Sample(text => Refuses(text));

    [Fact]
    public void A_token_with_any_character_changed_is_refused()
    {
        var token = Key.Sign(Claims());
        Gen.Select(Gen.Int[0, token.Length - 1], Gen.OneOf(Gen.Char[Alphabet + ".="], Gen.Char))
            .Where((at, to) => token[at] != to && !(at == token.Length - 1 && SameBits(token[at], to)))
            .Sample((at, to) => Refuses(string.Concat(token.AsSpan(0, at), [to], token.AsSpan(at + 1))));
        Gen.Int[0, token.Length - 1].Sample(length => Refuses(token[..length]));
        Assert.True(Accepts(token));
    }

    [Fact]
    public void Any_key_is_read_or_passed_over() =>
        Gen.Select(Gen.OneOf(Gen.Const("RSA"), Gen.Const("EC")), Gen.OneOf(Gen.Const("P-256"), Gen.Const("P-521")), Part, Part)
            .Sample(
                (type, curve, one, other) =>
                {
                    var (n, e) = (System.Text.Json.JsonSerializer.Serialize(one), System.Text.Json.JsonSerializer.Serialize(other));
                    var json = $$"""{"kty":"{{type}}","crv":"{{curve}}","n":{{n}},"e":{{e}},"x":{{n}},"y":{{e}}}""";
                    using var document = System.Text.Json.JsonDocument.Parse(json);
                    Assert.Null(SigningKey.Read(document.RootElement, out var reason));
                    Assert.NotNull(reason);
                }
            );

    [Fact]
    public void Any_claims_are_read_or_refused_without_an_exception() =>
        Gen.OneOf(Gen.String, Gen.String.Select(text => $$"""{"iss":"{{Name}}","aud":"{{Audience}}",{{text}}}"""))
            .Sample(claims => VerifiedToken.Read(Encoding.UTF8.GetBytes(claims), Name, out var fault) is null == fault is not null);

    [Fact]
    public void Remembered_tokens_are_found_while_they_are_used_and_never_too_many() =>
        Gen.Int[0, 40]
            .Array[0, 400]
            .Sample(uses =>
            {
                var token = VerifiedToken.Read(Encoding.UTF8.GetBytes($$"""{"iss":"{{Name}}"}"""), Name, out _)!;
                var tokens = new VerifiedTokens(8);
                foreach (var use in uses)
                {
                    var digest = new TokenDigest(0, 0, 0, (ulong)use);
                    if (tokens.Find(digest) is null)
                    {
                        tokens.Add(digest, token);
                    }

                    Assert.Same(token, tokens.Find(digest));
                    Assert.InRange(tokens.Count, 1, 16);
                }
            });

    private static Gen<string> Part => Gen.OneOf(Gen.String, Gen.Char[Alphabet].Array[0, 60].Select(chars => new string(chars)));

    /// <summary>The last character of a part carries bits that mean nothing.</summary>
    private static bool SameBits(char one, char other) =>
        Alphabet.IndexOf(one, StringComparison.Ordinal) >> 4 == Alphabet.IndexOf(other, StringComparison.Ordinal) >> 4;

    private bool Refuses(string text) => Verdict(text) is { Token: null, Fault.Length: > 0 };

    private bool Accepts(string text) => Verdict(text).Token is not null;

    /// <summary>Nothing has to be waited for: the keys are there, and others are not looked for.</summary>
    private TokenVerdict Verdict(string text)
    {
        var verdict = _verifier.VerifyAsync(text.AsMemory()).AsTask();
        Assert.True(verdict.IsCompleted);
        return verdict.GetAwaiter().GetResult();
    }
}
