using System.Globalization;
using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>An event in the JSON format before it is written down: names and values as JSON texts.</summary>
internal sealed class JsonDraft
{
    public List<(string Name, string Json)> Members { get; } = [];

    /// <summary>A valid event.</summary>
    public static JsonDraft Make(Dice dice, string version)
    {
        var draft = new JsonDraft();
        foreach (var (name, value) in Draft.Attributes(dice, version))
        {
            draft.Members.Add((Text(dice, name), Text(dice, value)));
        }

        switch (dice.Below(6))
        {
            case 0:
                break;
            case 1:
                draft.Members.Add(("\"data_base64\"", $"\"{Convert.ToBase64String(dice.Bytes(dice.Below(40)))}\""));
                break;
            case 2:
                draft.Members.Add(("\"datacontenttype\"", Text(dice, dice.Pick("text/plain", "text/html; charset=utf-8"))));
                draft.Members.Add(("\"data\"", Text(dice, Draft.Text(dice))));
                break;
            case 3:
                draft.Members.Add(("\"datacontenttype\"", "\"application/json\""));
                draft.Members.Add((Text(dice, "data"), Value(dice, 3)));
                break;
            default:
                draft.Members.Add(("\"data\"", Value(dice, 2)));
                break;
        }

        if (dice.OneIn(4))
        {
            draft.Members.Add(("\"number\"", dice.Pick("0", "-1", "2147483647", "-2147483648", "-0")));
        }

        if (dice.OneIn(4))
        {
            draft.Members.Add(("\"flag\"", dice.Pick("true", "false")));
        }

        if (dice.OneIn(6))
        {
            draft.Members.Add(("\"nothing\"", "null"));
        }

        if (dice.OneIn(2))
        {
            dice.Shuffle(draft.Members);
        }

        return draft;
    }

    /// <summary>Sets a member, in place of the one that has that name.</summary>
    public void Set(string name, string json)
    {
        Drop(name);
        Members.Add(($"\"{name}\"", json));
    }

    public void Drop(string name) => Members.RemoveAll(member => ReferenceJson.Read(member.Name, out _)!.Text == name);

    public string Write(Dice dice)
    {
        var blank = dice.Pick("", "", " ", "\r\n\t");
        var text = new StringBuilder("{").Append(blank);
        for (var i = 0; i < Members.Count; i++)
        {
            text.Append(i == 0 ? "" : ",")
                .Append(blank)
                .Append(Members[i].Name)
                .Append(blank)
                .Append(':')
                .Append(blank)
                .Append(Members[i].Json);
        }

        return text.Append(blank).Append('}').ToString();
    }

    /// <summary>A string in JSON, some of its characters escaped without need.</summary>
    public static string Text(Dice dice, string text)
    {
        var often = dice.Pick(0, 0, 1, 4);
        var json = new StringBuilder("\"");
        foreach (var c in text)
        {
            // Both halves of a surrogate pair, or none.
            if (often > 0 && (char.IsSurrogate(c) || dice.OneIn(often)))
            {
                json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
            else
            {
                json.Append(
                    c switch
                    {
                        '"' => "\\\"",
                        '\\' => "\\\\",
                        '/' when dice.OneIn(4) => "\\/",
                        _ => c.ToString(),
                    }
                );
            }
        }

        return json.Append('"').ToString();
    }

    /// <summary>Any JSON value, with everything that the grammar allows.</summary>
    public static string Value(Dice dice, int depth) =>
        dice.Below(depth > 0 ? 9 : 6) switch
        {
            0 => dice.Pick("null", "true", "false"),
            1 => dice.Pick("0", "-0", "1.10", "1e400", "-1E-999", "123456789012345678901234567890", "0.1e+2"),
            2 => dice.Pick("\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\u0000\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\uFFFF\""),
            3 or 4 or 5 => Text(dice, Draft.Text(dice)),
            6 => $"[{Value(dice, depth - 1)},{Value(dice, depth - 1)}]",
            7 => $"{{\"a\":{Value(dice, depth - 1)},\"a\":{Value(dice, depth - 1)},\"\":[]}}",
            _ => Deep(dice.OneIn(8) ? dice.Between(100, 900) : dice.Between(1, 10)),
        };

    /// <summary>Arrays in each other.</summary>
    public static string Deep(int depth) => new string('[', depth) + new string(']', depth);
}
