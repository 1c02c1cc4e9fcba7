namespace Brokkr.Apis;

/// <summary>What Kafka accepts as a name.</summary>
public static class KafkaNames
{
    /// <summary>Longest name of a topic, in characters.</summary>
    public const int MaxTopicLength = 249;

    /// <summary>Why a name is no name of a topic, as the end of a sentence; null where it is one.</summary>
    public static string? WhyNoTopic(string name)
    {
        if (name.Length == 0)
        {
            return "must name a topic, is empty";
        }

        if (name is "." or "..")
        {
            return $"must name a topic: Kafka does not allow \"{name}\"";
        }

        if (name.Length > MaxTopicLength)
        {
            return $"must name a topic of at most {MaxTopicLength} characters, has {name.Length}";
        }

        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
            {
                return $"must name a topic: Kafka allows letters, digits, \".\", \"_\" and \"-\" only, not '{(char.IsControl(c) ? '?' : c)}'";
            }
        }

        return null;
    }
}
