using System.Text;

namespace Brokkr.Kafka.Groups;

/// <summary>The client's side of a login by token (RFC 7628 §3.1).</summary>
internal static class BearerLogin
{
    public const string Mechanism = "OAUTHBEARER";

    /// <summary>The first message, which is the last one when the token is good.</summary>
    public static byte[] First(string token, IReadOnlyDictionary<string, string> extensions)
    {
        var text = new StringBuilder("n,,\u0001auth=Bearer ").Append(token).Append('\u0001');
        foreach (var (name, value) in extensions)
        {
            text.Append(name).Append('=').Append(value).Append('\u0001');
        }

        return Encoding.UTF8.GetBytes(text.Append('\u0001').ToString());
    }

    /// <summary>What follows a refusal.</summary>
    public static byte[] Understood() => [1];
}
