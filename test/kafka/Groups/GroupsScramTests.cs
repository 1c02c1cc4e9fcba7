using System.Security.Cryptography;
using System.Text;
using Brokkr.Kafka.Groups;

namespace Brokkr.Kafka.Tests.Groups;

/// <summary>The client's side of SCRAM: the example of RFC 7677 §3, and a server written from RFC 5802 §3 alone.</summary>
public sealed class GroupsScramTests
{
    [Fact]
    public void The_example_of_RFC_7677_comes_out_byte_by_byte()
    {
        var login = new ScramLogin(ScramLogin.Sha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
        Assert.Equal("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"u8, login.First());
        Assert.Equal(
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="u8,
            login.Second("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"u8)
        );
        login.Verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="u8);
    }

    [Theory]
    [InlineData("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl96G4=")]
    [InlineData("v=AAAA")]
    [InlineData("e=invalid-proof")]
    [InlineData("")]
    public void A_server_that_does_not_know_the_password_is_not_believed(string last)
    {
        var login = new ScramLogin(ScramLogin.Sha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
        login.First();
        login.Second("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"u8);
        Assert.Throws<ProtocolException>(() => login.Verify(Encoding.UTF8.GetBytes(last)));
    }

    [Theory]
    [InlineData("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("r=nonce,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    [InlineData("r=nonce1,s=,i=4096")]
    [InlineData("r=nonce1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0")]
    [InlineData("r=nonce1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000")]
    [InlineData("r=nonce1,s=W22ZaJ0SNY7soEsUEjb6gQ==")]
    [InlineData("m=ext,r=nonce1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")]
    public void A_first_message_that_is_not_valid_is_refused(string first) =>
        Assert.Throws<ProtocolException>(() =>
            new ScramLogin(ScramLogin.Sha256, "user", "pencil", "nonce").Second(Encoding.UTF8.GetBytes(first))
        );

    [Theory]
    [InlineData(ScramLogin.Sha256, "alice", "secret")]
    [InlineData(ScramLogin.Sha512, "alice", "secret")]
    [InlineData(ScramLogin.Sha512, "a=b,c", "größe 日本, = \"")]
    public void Both_sides_convince_each_other(string mechanism, string user, string password)
    {
        var login = new ScramLogin(new SaslCredentials(mechanism, user, password));
        var first = Encoding.UTF8.GetString(login.First());
        Assert.StartsWith($"n,,n={user.Replace("=", "=3D").Replace(",", "=2C")},r=", first);
        var nonce = first[(first.LastIndexOf("r=", StringComparison.Ordinal) + 2)..];
        Assert.True(nonce.Length >= 32);
        var salt = "0123456789abcdef"u8.ToArray();
        var serverFirst = $"r={nonce}more,s={Convert.ToBase64String(salt)},i=8192";
        var second = Encoding.UTF8.GetString(login.Second(Encoding.UTF8.GetBytes(serverFirst)));

        var hash = mechanism == ScramLogin.Sha512 ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256;
        var size = mechanism == ScramLogin.Sha512 ? 64 : 32;
        var salted = Rfc2898DeriveBytes.Pbkdf2(password, salt, 8192, hash, size);
        var proofAt = second.IndexOf(",p=", StringComparison.Ordinal);
        var signed = Encoding.UTF8.GetBytes($"{first["n,,".Length..]},{serverFirst},{second[..proofAt]}");
        var stored = CryptographicOperations.HashData(hash, CryptographicOperations.HmacData(hash, salted, "Client Key"u8));
        var signature = CryptographicOperations.HmacData(hash, stored, signed);
        var key = Convert.FromBase64String(second[(proofAt + 3)..]).Zip(signature, (a, b) => (byte)(a ^ b)).ToArray();
        Assert.Equal(stored, CryptographicOperations.HashData(hash, key));

        var server = CryptographicOperations.HmacData(hash, CryptographicOperations.HmacData(hash, salted, "Server Key"u8), signed);
        login.Verify(Encoding.UTF8.GetBytes($"v={Convert.ToBase64String(server)}"));
    }

    [Fact]
    public void Every_login_has_a_nonce_of_its_own()
    {
        var credentials = new SaslCredentials(ScramLogin.Sha256, "user", "pencil");
        Assert.NotEqual(new ScramLogin(credentials).First(), new ScramLogin(credentials).First());
        Assert.DoesNotContain("pencil", credentials.ToString());
    }
}
