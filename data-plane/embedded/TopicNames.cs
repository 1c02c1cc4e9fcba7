using System.Buffers;

namespace Brokkr.Embedded;

/// <summary>The names that Kafka allows for topics.</summary>
internal static class TopicNames
{
    private const int Longest = 249;
    private static readonly SearchValues<char> Allowed = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    );

    /// <summary>What is wrong with a name; null if nothing.</summary>
    public static string? Problem(string name) =>
        name switch
        {
            "" => "a topic name must not be empty",
            "." or ".." => "a topic name must not be \".\" or \"..\"",
            { Length: > Longest } => $"a topic name must not be longer than {Longest} characters",
            _ when name.AsSpan().ContainsAnyExcept(Allowed) => "a topic name consists of letters, digits, '.', '_' and '-'",
            _ => null,
        };
}
