using Brokkr.Core.Log;
using Brokkr.Embedded.Writing;

namespace Brokkr.Embedded.Storage;

/// <summary>Reads the topics of the file when it is opened.</summary>
internal static class TopicLoader
{
    /// <exception cref="LogConfigurationException">A topic has settings that this program does not understand.</exception>
    public static void Load(WriteSession session, EmbeddedLogOptions options)
    {
        var names = session.Database.Prepare("SELECT id, name FROM topics");
        var settings = session.Database.Prepare("SELECT name, value FROM settings WHERE topic = ?");
        var partitions = session.Database.Prepare("SELECT id, number FROM partitions WHERE topic = ? ORDER BY number");
        while (names.Step())
        {
            var id = names.Int64(0);
            var name = names.Text(1);
            var topic = new TopicState(id, name, Parse(name, ReadSettings(settings.Bind(1, id)), options));
            var states = new List<PartitionState>();
            partitions.Bind(1, id);
            while (partitions.Step())
            {
                states.Add(new PartitionState(topic, partitions.Int64(0), (int)partitions.Int64(1)));
            }

            topic.Partitions = [.. states];
            session.Topics.Add(topic);
        }
    }

    private static Dictionary<string, string> ReadSettings(Statement rows)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        while (rows.Step())
        {
            settings[rows.Text(0)] = rows.Text(1);
        }

        return settings;
    }

    private static TopicSettings Parse(string topic, Dictionary<string, string> settings, EmbeddedLogOptions options)
    {
        try
        {
            return TopicSettings.Parse(settings, options);
        }
        catch (TopicRefusedException e)
        {
            throw new LogConfigurationException($"topic {topic}: {e.Message}", e);
        }
    }
}
