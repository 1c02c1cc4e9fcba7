namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>Texts that are certainly not what they should be.</summary>
internal static class Garbled
{
    public static string Time(Dice dice) =>
        dice.Pick(
            "yesterday",
            "",
            "2024-01-02",
            "2024-01-02T03:04Z",
            "2024-01-02T03:04:05",
            "2024-01-02 03:04:05Z",
            "2024-13-02T03:04:05Z",
            "2024-02-30T03:04:05Z",
            "2023-02-29T00:00:00Z",
            "2024-01-02T24:00:00Z",
            "2024-01-02T03:60:00Z",
            "2024-01-02T03:04:05X",
            "2024-01-02T03:04:05+0200",
            "2024-01-02T03:04:05+24:00",
            "2024-01-02T03:04:05.Z",
            "2024-01-02T03:04:05,5Z",
            "+2024-01-02T03:04:05Z",
            "-0001-01-02T03:04:05Z",
            "12024-01-02T03:04:05Z",
            "2024-1-2T3:4:5Z",
            "1704164645",
            "2024-01-02T03:04:05Z[UTC]",
            "2024-01-02T03:04:05ZZ",
            "2024-01-00T03:04:05Z",
            "2024-01-02T03:04:61Z"
        );

    /// <summary>No URI reference, not even when percent signs are taken as they are.</summary>
    public static string Source(Dice dice) =>
        dice.Pick("a b", "/a%2", "/a%zz b", "http://h/<x>", "/{id}", "/a|b", "/a\\b", "/^", "/`", "a#b#c", "%", "/%%41%");

    public static string Base64(Dice dice) =>
        dice.Pick(
            "a",
            "aGk",
            "aGk==",
            "=aGk",
            "a===",
            "aG k=",
            "aGk= ",
            " aGk=",
            "aGk=\n",
            "aG\tk=",
            "aGk-",
            "a_k=",
            "aGk=aGk=",
            "aGk=x",
            "é===",
            "aGk\u0000",
            "===="
        );
}
