using System.Buffers.Text;
using System.Text;
using Brokkr.Core.Tokens;

namespace Brokkr.Core.Tests.Tokens;

/// <summary>What can be told of a token.</summary>
public sealed class TokenTextTests
{
    [Theory]
    [InlineData("token", true)]
    [InlineData("a.b-c_d~e+f/g=", true)]
    [InlineData("", false)]
    [InlineData("two tokens", false)]
    [InlineData("a\r\nX-Header: b", false)]
    [InlineData("tökén", false)]
    [InlineData("a\u007f", false)]
    public void Only_what_can_stand_in_a_header_can_be_sent(string token, bool isSendable) =>
        Assert.Equal(isSendable, TokenText.IsSendable(token));

    [Theory]
    [InlineData("{\"exp\":1935403200}", 1935403200)]
    [InlineData("{\"exp\":1935403200.9,\"sub\":\"x\"}", 1935403200)]
    public void A_JSON_Web_Token_says_when_it_ends(string claims, long end) =>
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(end), TokenText.EndOf(Token(claims)));

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("no json")]
    [InlineData("{\"exp\":\"x\"}")]
    [InlineData("{\"exp\":null}")]
    [InlineData("{\"exp\":1e300}")]
    [InlineData("{\"exp\":-1}")]
    public void One_that_does_not_is_no_fault(string claims) => Assert.Null(TokenText.EndOf(Token(claims)));

    [Theory]
    [InlineData("")]
    [InlineData("opaque")]
    [InlineData("a.b")]
    [InlineData("a.!.c")]
    [InlineData("a.b.c.d.e")]
    public void Nor_is_one_of_another_kind(string token) => Assert.Null(TokenText.EndOf(token));

    private static string Token(string claims) => $"e30.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}.c2ln";
}
