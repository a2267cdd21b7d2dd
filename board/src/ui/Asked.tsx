// A question with its picture and options.
import type { Question } from "../schema";

interface Props {
  question: Question;
  picture: string | null;
}

export function Asked({ question, picture }: Props) {
  return (
    <div class="asked">
      {picture ? <img src={picture} alt={`picture of ${question.entity}`} width="48" height="48" loading="lazy" /> : null}
      <div>
        <bdi>{question.question || question.id}</bdi>
        {question.options.length ? <small>{question.options.map((one, at) => `${String.fromCharCode(65 + at)}: ${one}`).join(" · ")}</small> : null}
      </div>
    </div>
  );
}
